import { gunzipSync, gzipSync } from "node:zlib";
import type { ParityCase } from "./compare.ts";

/** As it lies in test/fixtures: pixels are kept once, since most files show the same picture. */
interface Packed {
  pixels: string[];
  files: [name: string, file: string, plain: number | null, white: number | null][];
}

export function unpackCorpus(packed: Uint8Array): ParityCase[] {
  const { pixels, files } = JSON.parse(gunzipSync(packed).toString()) as Packed;
  const at = (index: number | null) => (index === null ? undefined : Buffer.from(pixels[index]!, "base64"));
  return files.map(([name, file, plain, white]) => ({
    name,
    file: Buffer.from(file, "base64"),
    plain: at(plain),
    white: at(white),
  }));
}

export function packCorpus(cases: readonly ParityCase[]): Uint8Array {
  const places = new Map<string, number>();
  const place = (pixels: Uint8Array | undefined) => {
    if (!pixels) return null;
    const text = Buffer.from(pixels).toString("base64");
    if (!places.has(text)) places.set(text, places.size);
    return places.get(text)!;
  };
  const files = cases.map(({ name, file, plain, white }): Packed["files"][number] => [
    name,
    Buffer.from(file).toString("base64"),
    place(plain),
    place(white),
  ]);
  return gzipSync(JSON.stringify({ pixels: [...places.keys()], files } satisfies Packed), { level: 9 });
}

/** Reads one line of corpus.py's output. */
export function parseCase(line: string): ParityCase {
  const { name, file, plain, white } = JSON.parse(line) as Record<"name" | "file", string> &
    Record<"plain" | "white", string | null>;
  const bytes = (text: string | null) => (text === null ? undefined : Buffer.from(text, "base64"));
  return { name, file: Buffer.from(file, "base64"), plain: bytes(plain), white: bytes(white) };
}
