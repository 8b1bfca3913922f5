import { FileInBase64 } from "./call.ts";

/** Writes JSON in pieces: between each two of them belongs what the file of the same place holds, in quotes. */
export function splitAtFiles(json: unknown, indent?: number): { pieces: string[]; files: string[] } {
  const files: string[] = [];
  const plain = JSON.stringify(json);
  let mark = "file";
  while (plain.includes(mark)) mark += "_";
  const text = JSON.stringify(
    json,
    (_, value) => {
      if (!(value instanceof FileInBase64)) return value;
      files.push(value.fileName);
      return mark;
    },
    indent,
  );
  return { pieces: text.split(`"${mark}"`), files };
}

/** Tells whether something in it is read from a file. */
export function holdsFile(json: unknown): boolean {
  return splitAtFiles(json).files.length > 0;
}
