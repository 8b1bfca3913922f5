import { tmpdir } from "node:os";
import { createReading } from "../../src/bulk/items/reading.ts";
import { openSources, type SourceOptions } from "../../src/bulk/sources/open-source.ts";
import { encoderSettings } from "../../src/config/encoder.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { toEncoderError } from "../../src/errors.ts";

type Options = Partial<Omit<SourceOptions, "reading" | "scratch">> & { maxImageBytes?: number };

/** Lists what a source gives: one object for each item, with its bytes or text, or with why it cannot be read. */
export async function listed(operands: string[], { maxImageBytes = 1 << 20, ...options }: Options = {}) {
  const reading = createReading({
    ...settingsWith(encoderSettings, { maxImageBytes, allowPrivateUrls: true }),
    maxReadBytes: 4 << 20,
  });
  const defaults = { include: [], exclude: [], follow: false, text: false, column: "", idColumn: "", from0: false };
  const source = await openSources(operands, {
    ...{ ...defaults, maxInflatedBytes: 8 << 20, scratch: tmpdir(), reading },
    ...options,
  });
  const items = [];
  for await (const { name, key, columns, load } of source.items()) {
    try {
      const { input, release } = await load(AbortSignal.timeout(10_000));
      release();
      items.push({ name, key, columns, input: typeof input === "string" ? input : Buffer.from(input) });
    } catch (error) {
      items.push({ name, key, columns, code: toEncoderError(error).code });
    }
  }
  let count = 0;
  const isAll = await source.count(new AbortController().signal, (more) => (count += more));
  return { items, count: isAll ? count : undefined, remarks: source.remarks?.() };
}
