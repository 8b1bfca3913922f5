import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createReading } from "../../../src/bulk/items/reading.ts";
import { folderSource } from "../../../src/bulk/sources/folder.ts";
import { encoderSettings } from "../../../src/config/encoder.ts";
import { settingsWith } from "../../../src/config/setting.ts";
import { toEncoderError } from "../../../src/errors.ts";
import { temporaryFolder } from "../../support/checkpoints.ts";
import { writeFiles } from "../../support/pictures.ts";

describe("a file of a folder", () => {
  // Whoever walks through a folder of a million files reads one long after it was listed.
  it.each([
    ["vanishes", "INPUT_NOT_FOUND", () => {}],
    ["becomes a folder", "INPUT_REFUSED", (file: string) => mkdirSync(file)],
    ["becomes a pipe", "INPUT_REFUSED", (file: string) => void execFileSync("mkfifo", [file])],
  ])("that %s after it was listed fails alone, with %s", async (_what, code, change) => {
    const folder = await temporaryFolder();
    writeFiles(folder, { "a.jpg": "a", "b.jpg": "b", "c.jpg": "c" });
    const loaded: unknown[] = [];
    for await (const item of source(folder).items()) {
      if (item.key === "b.jpg") {
        rmSync(join(folder, "b.jpg"));
        change(join(folder, "b.jpg"));
      }
      const loading = item.load(AbortSignal.timeout(10_000));
      loaded.push(
        await loading.then(
          ({ input }) => String(input),
          (error) => toEncoderError(error).code,
        ),
      );
    }
    expect(loaded).toEqual(["a", code, "c"]);
  });

  it("that is cut off after it was listed gives what is there of it", async () => {
    const folder = await temporaryFolder();
    writeFiles(folder, { "a.jpg": "abcdef" });
    for await (const item of source(folder).items()) {
      const before = await item.version!();
      truncateSync(join(folder, "a.jpg"), 3);
      const { input, version } = await item.load(AbortSignal.timeout(10_000));
      expect({ bytes: String(input), isOther: version !== before }).toEqual({ bytes: "abc", isOther: true });
    }
  });
});

function source(folder: string) {
  const reading = createReading({ ...settingsWith(encoderSettings), maxReadBytes: 1 << 20 });
  return folderSource({ folder, follow: false, isWanted: () => true, reading, scratch: folder });
}
