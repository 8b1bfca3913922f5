/** What windows-1252 has from 0x80 to 0x9f; its other bytes are the characters of the same numbers. */
const firstSpecial = 0x80;
const specials = [
  ...[
    0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f,
  ],
  ...[
    0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e,
    0x178,
  ],
];
const characters = Uint16Array.from({ length: 256 }, (_, byte) => specials[byte - firstSpecial] ?? byte);

/**
 * Decodes windows-1252 as the web does (https://encoding.spec.whatwg.org/index-windows-1252.txt). TextDecoder of Node.js
 * 20.18 to 24.6 takes it for ISO 8859-1, which has control characters where this has quotes, dashes and the euro sign:
 * https://github.com/nodejs/node/issues/56542.
 */
export function decodeWindows1252(bytes: Uint8Array): string {
  const text = new Uint16Array(bytes.length);
  for (let at = 0; at < bytes.length; at++) text[at] = characters[bytes[at]!]!;
  return Buffer.from(text.buffer).toString("utf16le");
}
