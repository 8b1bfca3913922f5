export interface ImageSize {
  width: number;
  height: number;
}

/**
 * Reads width and height as a JPEG, PNG, WebP or GIF file states them, before any turning. Nothing is decoded; of other
 * formats and of broken files the size is unknown.
 */
export function imageSize(bytes: Uint8Array): ImageSize | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const starts = (signature: string, at = 0) => file.toString("latin1", at, at + signature.length) === signature;
  if (starts("\xff\xd8\xff")) return jpegSize(file);
  if (file.length < 30) return undefined;
  if (starts("\x89PNG\r\n\x1a\n")) return { width: file.readUInt32BE(16), height: file.readUInt32BE(20) };
  if (starts("GIF8")) return { width: file.readUInt16LE(6), height: file.readUInt16LE(8) };
  if (!starts("RIFF") || !starts("WEBP", 8)) return undefined;
  if (starts("VP8 ", 12)) return { width: file.readUInt16LE(26) & 0x3fff, height: file.readUInt16LE(28) & 0x3fff };
  if (starts("VP8X", 12)) return { width: 1 + file.readUIntLE(24, 3), height: 1 + file.readUIntLE(27, 3) };
  const bits = file.readUInt32LE(21); // VP8L has 14 bits for each.
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
}

/** Goes from marker to marker, to the first that starts a frame. */
function jpegSize(file: Buffer): ImageSize | undefined {
  for (let at = 2; at + 9 <= file.length; ) {
    if (file[at] !== 0xff) return undefined;
    const marker = file[at + 1]!;
    if (marker === 0xff) {
      at++; // This is a fill byte.
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: file.readUInt16BE(at + 7), height: file.readUInt16BE(at + 5) };
    at += 2 + file.readUInt16BE(at + 2);
  }
  return undefined;
}
