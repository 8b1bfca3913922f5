import { type FileHandle, realpath } from "node:fs/promises";

/** Asks the kernel whether an open file really lies below a folder: its path may lead elsewhere by now. */
export async function liesBelow(handle: FileHandle, file: Buffer, folder: string | Buffer): Promise<boolean> {
  const place = await realpath(`/proc/self/fd/${handle.fd}`, "buffer").catch(() => realpath(file, "buffer"));
  const root = await realpath(folder, "buffer");
  const prefix = root.equals(Buffer.from("/")) ? root : Buffer.concat([root, Buffer.from("/")]);
  return place.subarray(0, prefix.length).equals(prefix);
}
