import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Makes a bitmap (BMP, 24 bits) that is another one for each seed. */
export function bitmap(seed: number, [width, height]: readonly [number, number] = [32, 24]): Buffer {
  const offset = 54;
  const file = Buffer.alloc(offset + width * height * 3);
  file.write("BM");
  file.writeUInt32LE(offset, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let i = offset, state = seed + 1; i < file.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    file[i] = state >>> 16;
  }
  return file;
}

/** Writes files below a folder, by their paths. */
export function writeFiles(folder: string, files: Record<string, string | Uint8Array>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** Writes `count` different pictures into folders below `folder`. */
export function writePictures(folder: string, count: number): void {
  for (let i = 0; i < count; i++) writeFiles(folder, { [`${i % 3}/picture ${i}.bmp`]: bitmap(i) });
}
