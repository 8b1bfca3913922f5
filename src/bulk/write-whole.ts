import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { storing } from "../storage/storing.ts";

/** Puts a new file in its place at once or not at all: it is written to `beside`, through to the disk, and then renamed. */
export async function writeWhole(
  file: string,
  chunks: Iterable<Uint8Array>,
  beside = `${file}.writing`,
): Promise<void> {
  await storing(async () => {
    const handle = await open(beside, "w");
    try {
      for (const chunk of chunks) {
        for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten;
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
    await syncFolder(dirname(file));
  });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}
