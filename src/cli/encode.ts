import { tmpdir } from "node:os";
import { encodeFiles, encodeWith } from "../bulk/encode-files.ts";
import { createReading } from "../bulk/items/reading.ts";
import { openSources } from "../bulk/sources/open-source.ts";
import { inputSettings, outputSettings } from "../config/bulk.ts";
import { encoderSettings } from "../config/encoder.ts";
import { enqueueSettings } from "../config/queue.ts";
import { pickSettings } from "../config/setting.ts";
import { createEncoder } from "../encoder/encoder.ts";
import { absoluteFolder } from "./absolute-folder.ts";
import { callBulk } from "./bulk-call.ts";
import { command } from "./command.ts";
import { dryRun } from "./dry-run.ts";
import { encodeQueued } from "./encode-queued.ts";
import { interruptedCodes } from "./stop-signal.ts";

const settings = { ...outputSettings, ...enqueueSettings, ...inputSettings, ...encoderSettings };

export const encode = command({
  summary: "Encode many pictures or texts into files; an interrupted run goes on where it was",
  operands: "INPUT…",
  examples: [
    [
      "encode photos/ --out vectors/",
      "The pictures of a folder and of those in it, as numpy files with parquet metadata.",
    ],
    [
      "encode urls.csv --id-column sku --out vectors/",
      "Pictures from the addresses of a list; its columns are carried over.",
    ],
    ["encode titles.txt --text --format parquet --out titles/", "One text a line."],
    [
      "encode photos/ --out /mnt/vectors --queue redis://queue:6379",
      "By all workers of a queue: image-text-encoder work.",
    ],
    ["encode photos/ --out vectors/ --retry-failed URL_TIMEOUT", "The same again, trying what was too slow before."],
  ],
  exitCodes: { 3: "some inputs failed; they are in errors.jsonl", ...interruptedCodes },
  settings,
  async run({ values, operands, signal }) {
    const directory = absoluteFolder(values.out);
    const reading = createReading(values);
    const source = await openSources(operands, { ...values, reading, scratch: tmpdir() });
    if (values.queue !== "" && !values.dryRun) return encodeQueued(values, { source, signal });
    const tower = values.text ? "text" : "image";
    const start = { signal, towers: [tower], isBulk: true } as const;
    const encoder = await createEncoder(pickSettings(encoderSettings, values), {}, start);
    try {
      if (values.dryRun) return await dryRun({ source, encode: encodeWith(encoder), signal, print });
      const retry = values.retryFailed === "none" ? undefined : values.retryFailed;
      return await callBulk({ ...values, source, signal }, async (tally) => {
        await encodeFiles({ ...values, directory, source, encoder, tower, retry, stop: signal, tally });
        return tally.failed > 0
          ? `; the output is in ${values.out}, and ${values.out}/errors.jsonl says what failed`
          : `; the output is in ${values.out}`;
      });
    } finally {
      await encoder.close();
    }
  },
});

const print = (line: string) => process.stdout.write(`${line}\n`);
