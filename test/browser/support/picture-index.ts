import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { inject } from "vitest";
import type { DroppedFile } from "./browser.ts";
import { executable } from "./service.ts";

export interface TestIndex {
  /** For `serve --index`. */
  directory: string;
  /** Writes pictures into the indexed folder, by their paths, and brings the index up to date. */
  add(pictures: DroppedFile[]): Promise<void>;
  remove(): void;
}

/** An index of a folder of pictures, made by the command that people use. */
export function createTestIndex(): TestIndex {
  const root = mkdtempSync(join(tmpdir(), "browser-index-"));
  const [folder, directory] = [join(root, "pictures"), join(root, "index.lance")];
  return {
    directory,
    async add(pictures) {
      await mkdir(folder, { recursive: true });
      for (const { name, bytes } of pictures) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), bytes);
      }
      const { PATH = "", HOME = "" } = process.env;
      const env = { PATH, HOME, MODELS_DIR: inject("modelsDir") };
      await promisify(execFile)(process.execPath, [executable, "index", folder, "--index", directory], { env });
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
