import type { ServiceConfig } from "../config/service.ts";
import { EncoderError } from "../errors.ts";

/** @throws EncoderError, with the index of the first text that cannot be encoded */
export function checkTexts(texts: readonly string[], config: ServiceConfig): void {
  checkCount(texts, "text", config);
  for (const [index, text] of texts.entries()) {
    if (text.trim() === "") throw new EncoderError("EMPTY_TEXT", "The text is empty.", { index });
    // a UTF-16 unit is at most three bytes of UTF-8
    if (text.length * 3 > config.maxTextBytes && Buffer.byteLength(text) > config.maxTextBytes) {
      const message = `The text is larger than ${config.maxTextBytes} bytes (MAX_TEXT_BYTES).`;
      throw new EncoderError("TEXT_TOO_LONG", message, { index });
    }
  }
}

export function checkCount(items: readonly unknown[], noun: string, { maxBatchItems }: ServiceConfig): void {
  if (items.length === 0) throw new EncoderError("INVALID_REQUEST", `The request holds no ${noun}.`);
  if (items.length > maxBatchItems) {
    const message = `The request holds ${items.length} ${noun}s; at most ${maxBatchItems} fit one (MAX_BATCH_ITEMS).`;
    throw new EncoderError("BATCH_TOO_LARGE", message);
  }
}

export function checkImageBytes(image: Uint8Array, { maxImageBytes }: ServiceConfig): Uint8Array {
  if (image.length === 0) throw new EncoderError("IMAGE_UNREADABLE", "The image is empty.");
  if (image.length > maxImageBytes) throw imageTooLarge(maxImageBytes);
  return image;
}

export function imageTooLarge(maxImageBytes: number): EncoderError {
  return new EncoderError("IMAGE_TOO_LARGE", `The image is larger than ${maxImageBytes} bytes (MAX_IMAGE_BYTES).`);
}
