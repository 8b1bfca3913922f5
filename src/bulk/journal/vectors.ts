import { readSync } from "node:fs";
import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";

/** Holds vectors of one length, one behind the other, each found by its number (its slot). */
export interface VectorFile {
  /** @returns the checksum that `read` is to be given */
  checksum(vector: Float32Array): number;
  write(slot: number, vectors: readonly Float32Array[]): Promise<void>;
  /**
   * Fills `target` with the vector.
   * @returns its checksum, or undefined where the file ends before it.
   */
  read(slot: number, target: Float32Array): number | undefined;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export async function openVectorFile(file: string, dimensions: number): Promise<VectorFile> {
  const handle = await open(file, "a").then(async (created) => {
    await created.close(); // "a" creates it, but would write at the end alone
    return open(file, "r+");
  });
  const length = 4 * dimensions;
  return {
    checksum: (vector) => crc32(bytesOf(vector)),
    async write(slot, vectors) {
      const bytes = Buffer.concat(vectors.map(bytesOf));
      for (let at = 0; at < bytes.length; ) {
        at += (await handle.write(bytes, at, bytes.length - at, slot * length + at)).bytesWritten;
      }
    },
    read(slot, target) {
      const bytes = bytesOf(target);
      const read = readSync(handle.fd, bytes, 0, length, slot * length);
      return read === length ? crc32(bytes) : undefined;
    },
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

/** Gives the bytes little-endian, as every processor that ONNX Runtime has binaries for stores them. */
function bytesOf(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}
