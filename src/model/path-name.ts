import { isUtf8 } from "node:buffer";

/** Writes a path's bytes as text that differs for every path: `\` is doubled, and what is not UTF-8 becomes `\xNN`. */
export function nameOf(path: Uint8Array): string {
  const escaped = (byte: number) => `\\x${byte.toString(16).padStart(2, "0")}`;
  return decoded(path, (text) => text.replaceAll("\\", "\\\\"), escaped);
}

/** Gives the path whose name `nameOf` gave. */
export function pathOf(name: string): Buffer {
  const parts = name.split(/(\\\\|\\x[0-9a-f]{2})/);
  return Buffer.concat(
    parts.map((part) => {
      if (part === "\\\\") return Buffer.from("\\");
      return part.startsWith("\\x") ? Buffer.from(part.slice(2), "hex") : Buffer.from(part);
    }),
  );
}

/**
 * Decodes bytes that are UTF-8 but need not be. What is none becomes lone surrogates, U+DC80 to U+DCFF, from which `bytesOf`
 * gives the bytes back. Python has its arguments so (PEP 383).
 */
export function textOf(bytes: Uint8Array): string {
  return decoded(
    bytes,
    (text) => text,
    (byte) => String.fromCharCode(firstOfBytes + byte),
  );
}

/** Gives the bytes of a text that `textOf` may have made. */
export function bytesOf(text: string): Buffer {
  const parts = text.split(/([\udc80-\udcff])/u); // with this flag, halves of pairs are none
  if (parts.length === 1) return Buffer.from(text);
  const isByte = (at: number) => at % 2 === 1;
  return Buffer.concat(
    parts.map((part, at) => (isByte(at) ? Buffer.of(part.charCodeAt(0) - firstOfBytes) : Buffer.from(part))),
  );
}

const firstOfBytes = 0xdc00;

/** Gives the same text without the characters that a terminal would obey. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to be escaped
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`;
  });
}

function decoded(path: Uint8Array, valid: (text: string) => string, invalid: (byte: number) => string): string {
  const bytes = Buffer.from(path.buffer, path.byteOffset, path.byteLength);
  if (isUtf8(bytes)) return valid(bytes.toString());
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    text += length === 0 ? invalid(bytes[at]!) : valid(bytes.toString("utf8", at, at + length));
    at += Math.max(1, length);
  }
  return text;
}

/** Counts the bytes of the UTF-8 sequence that begins at `at`; 0 means that none does. */
function sequenceLength(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    if (isUtf8(bytes.subarray(at, at + length))) return length;
  }
  return 0;
}
