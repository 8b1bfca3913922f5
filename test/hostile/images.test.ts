import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { hostileImages } from "../../scripts/hostile-images.ts";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { EncoderError } from "../../src/errors.ts";
import { createDecoder } from "../../src/image/decoder.ts";

/** The corpus is all bombs and some damaged pictures. CORPUS=2000 takes more of the latter, SEED takes others. */
const count = Number(process.env.CORPUS ?? 300);
const seed = Number(process.env.SEED ?? 1);
const groupSize = 100;

const config = settingsWith(serviceSettings, { maxImagePixels: 16_000_000 });
const decoder = createDecoder({ ...config, decodeProcesses: 2, spec: { size: 32, resize: 32, background: null } });
afterAll(() => decoder.close());

const codes = ["IMAGE_UNSUPPORTED", "IMAGE_UNREADABLE", "IMAGE_TOO_LARGE", "IMAGE_DECODE_TIMEOUT"];

async function outcome(bytes: Uint8Array): Promise<string> {
  try {
    const { data } = await decoder.decode(bytes);
    return data.length === 32 * 32 * 3 ? "pixels" : `${data.length} bytes of pixels`;
  } catch (error) {
    return error instanceof EncoderError ? error.code : String(error);
  }
}

describe("a hostile image", () => {
  const good = readFileSync(resolve(import.meta.dirname, "../fixtures/images/icc.jpg"));
  const images = hostileImages({ count, seed, maxPixels: config.maxImagePixels });

  for (let from = 0; from < images.length; from += groupSize) {
    const group = images.slice(from, from + groupSize);
    it(`ends in pixels or in a code of its own, and spoils no other (${from} to ${from + group.length})`, {
      timeout: 300_000,
    }, async () => {
      const expected = await decoder.decode(good);
      for (const { name, bytes } of group) {
        const [end, after] = await Promise.all([outcome(bytes), decoder.decode(good)]);
        expect.soft(["pixels", ...codes], name).toContain(end);
        expect.soft(after, `a good image beside ${name}`).toEqual(expected);
      }
    });
  }
});
