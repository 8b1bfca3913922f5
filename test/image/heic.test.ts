import { describe, expect, it } from "vitest";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createDecoder } from "../../src/image/decoder.ts";
import { createPreprocessor } from "../../src/image/preprocess.ts";
import { decoderPids } from "../support/decoder-pids.ts";
import { parityFile } from "../support/parity-file.ts";

const spec = { size: 16, resize: 16, background: null };
const options = { maxImagePixels: 100 * 80 };
const grid = parityFile("heic-grid-1").file; // 100 x 80, in tiles of 64 x 64 as telephones write them, turned by a quarter

describe("a HEIC image", () => {
  it("is refused where HEIC is switched off, with a sentence that says so", async () => {
    const preprocess = createPreprocessor(spec, { ...options, heic: false });
    await expect(preprocess(grid)).rejects.toMatchObject({ code: "IMAGE_UNSUPPORTED", message: /HEIC.*switched off/ });
  });

  it("is refused by its header when it has too many pixels", async () => {
    await expect(createPreprocessor(spec, options)(grid)).resolves.toBeDefined();
    await expect(createPreprocessor(spec, { maxImagePixels: 100 * 80 - 1 })(grid)).rejects.toMatchObject({
      code: "IMAGE_TOO_LARGE",
      message: "Expected at most 7999 pixels, received 80 x 100.",
    });
  });

  it("is unreadable wherever it ends early, or where its first bytes lie", async () => {
    const preprocess = createPreprocessor(spec, options);
    for (const length of [24, 200, grid.length - 40]) {
      await expect(preprocess(grid.subarray(0, length))).rejects.toMatchObject({ code: "IMAGE_UNREADABLE" });
    }
    const disguised = Buffer.concat([grid.subarray(0, 32), Buffer.from("not boxes at all")]);
    await expect(preprocess(disguised)).rejects.toMatchObject({ code: "IMAGE_UNREADABLE" });
  });

  it("is decoded in a decoder process, beside other images, and leaves it usable", async () => {
    const decoder = createDecoder({ ...settingsWith(serviceSettings), decodeProcesses: 1, spec });
    try {
      const expected = await createPreprocessor(spec, options)(grid);
      for (let i = 0; i < 3; i++) {
        const [heic, png] = await Promise.all([decoder.decode(grid), decoder.decode(parityFile("png-rgb-8").file)]);
        expect(Buffer.from(heic.data)).toEqual(Buffer.from(expected.data));
        expect(png.data).toHaveLength(16 * 16 * 3);
      }
      expect(decoderPids()).toHaveLength(1);
    } finally {
      await decoder.close();
    }
  });
});
