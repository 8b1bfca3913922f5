import { decodeBase64, isDataUri } from "../encoder/base64.ts";
import type { ImageInput } from "../encoder/encoder.ts";

/** Holds an image as a request carries it. `either` is a URL or base64, whichever it looks like, or a data URI. */
export type ImageSource = { bytes: Uint8Array } | { url: string } | { b64: string } | { either: string };

/**
 * Turns an image of a request into the encoder's input; no other place does. The encoder checks what an image is and
 * how large; only base64 is checked before it is decoded.
 * @throws EncoderError INVALID_BASE64, IMAGE_TOO_LARGE
 */
export async function imageOf(
  source: ImageSource,
  { maxImageBytes }: { maxImageBytes: number },
  nextTurn?: () => Promise<void>,
): Promise<ImageInput> {
  if ("bytes" in source) return source.bytes;
  if ("url" in source && !isDataUri(source.url)) return { url: source.url };
  if ("either" in source && isUrl(source.either)) return { url: source.either };
  return decodeBase64(textOf(source), { maxBytes: maxImageBytes, ...(nextTurn && { nextTurn }) });
}

/** Counts the characters that have to be decoded. */
export function encodedLength(source: ImageSource): number {
  return "bytes" in source ? 0 : textOf(source).length;
}

function textOf(source: Exclude<ImageSource, { bytes: Uint8Array }>): string {
  if ("url" in source) return source.url;
  return "b64" in source ? source.b64 : source.either;
}

/** Tells a URL from base64, which has no colon. */
function isUrl(text: string): boolean {
  return /^\s*[a-z][a-z\d+.-]{0,32}:/i.test(text) && !isDataUri(text);
}
