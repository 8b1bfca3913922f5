import { inflateSync } from "node:zlib";

const compressed = 1;
const directory = 2;

/** Reads one of Qt's binary resource files (.rcc), in which GCompris ships its pictures: { path inside it: bytes }. */
export function readRcc(blob: Buffer): Map<string, Buffer> {
  if (blob.toString("latin1", 0, 4) !== "qres") throw new Error("This is no Qt resource file.");
  const [version, tree, data, names] = [4, 8, 12, 16].map((at) => blob.readUInt32BE(at)) as [
    number,
    number,
    number,
    number,
  ];
  const nodeBytes = version === 1 ? 14 : 22;
  const files = new Map<string, Buffer>();

  const nameAt = (offset: number): string => {
    const length = blob.readUInt16BE(names + offset);
    const start = names + offset + 6; // the length and a hash come first
    return Buffer.from(blob.subarray(start, start + 2 * length))
      .swap16()
      .toString("utf16le");
  };
  const walk = (node: number, prefix: string): void => {
    const at = tree + node * nodeBytes;
    const path = node === 0 ? "" : prefix + nameAt(blob.readUInt32BE(at));
    const flags = blob.readUInt16BE(at + 4);
    if (flags & directory) {
      const first = blob.readUInt32BE(at + 10);
      const count = blob.readUInt32BE(at + 6);
      for (let child = first; child < first + count; child++) walk(child, node === 0 ? "" : `${path}/`);
      return;
    }
    const start = data + blob.readUInt32BE(at + 10) + 4;
    const content = blob.subarray(start, start + blob.readUInt32BE(start - 4));
    files.set(path, flags & compressed ? inflateSync(content.subarray(4)) : content);
  };
  walk(0, "");
  return files;
}
