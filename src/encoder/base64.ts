import { EncoderError } from "../errors.ts";

/** A data URI's parameters, a file's name among them, end within this many characters. */
const maxDataUriHead = 4096;

/**
 * Decodes base64, plain or as a data URI, in the standard alphabet or the URL-safe one, with or without padding and
 * line breaks.
 * @throws EncoderError INVALID_BASE64, or IMAGE_TOO_LARGE before anything is decoded
 */
export function decodeBase64(text: string, { maxBytes }: { maxBytes: number }): Buffer {
  const data = isDataUri(text) ? dataOf(text) : text;
  const { digits, padding } = countDigits(data);
  if (padding > 2 || (padding > 0 && (digits + padding) % 4 !== 0)) {
    throw invalid("its length does not fit its padding");
  }
  if (digits % 4 === 1) throw invalid("its length is impossible");
  if (digits === 0) throw invalid("it is empty");
  const bytes = Math.floor((digits * 3) / 4);
  if (bytes > maxBytes) throw imageTooLarge(maxBytes);
  const decoded = Buffer.from(data, "base64");
  // Node skips what is not base64 and stops at padding, so that foreign characters leave fewer bytes than the length
  // promises; but of those beyond ASCII it looks at the low byte alone.
  if (decoded.length !== bytes || Buffer.byteLength(data) !== data.length) {
    throw invalid("it holds characters that are not base64");
  }
  return decoded;
}

/** Blanks do not count as digits; anything else foreign does. Removing the blanks instead would take far longer. */
function countDigits(data: string): { digits: number; padding: number } {
  let end = data.length;
  let padding = 0;
  for (; end > 0; end--) {
    const last = data.charCodeAt(end - 1);
    if (last === equalsSign) padding++;
    else if (!isBlank(last)) break;
  }
  let blanks = 0;
  if (["\n", "\r", " ", "\t"].some((blank) => data.includes(blank))) {
    for (let i = 0; i < end; i++) if (isBlank(data.charCodeAt(i))) blanks++;
  }
  return { digits: end - blanks, padding };
}

const equalsSign = 0x3d;

/** Recognises tab, line feed, carriage return and space. */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Recognises a data URI, whatever may be in it; blanks before it count for nothing, as in browsers. */
export function isDataUri(text: string): boolean {
  return /^\s*data:/i.test(text);
}

/** Gives what follows `data:image/jpeg;name="a,b.jpg";base64,`. Careful clients escape `+`, `/` and `=` there. */
function dataOf(uri: string): string {
  const start = /;\s*base64\s*,/i.exec(uri.slice(0, maxDataUriHead));
  if (!start) throw invalid("a data URI must be of the form data:image/jpeg;base64,…");
  const data = uri.slice(start.index + start[0].length);
  return data.includes("%") ? data.replace(/%(2b|2f|3d|0a|0d|20)/gi, decodeURIComponent) : data;
}

function invalid(reason: string): EncoderError {
  return new EncoderError("INVALID_BASE64", `The image is not valid base64: ${reason}.`);
}

export function imageTooLarge(maxImageBytes: number): EncoderError {
  return new EncoderError("IMAGE_TOO_LARGE", `The image is larger than ${maxImageBytes} bytes (MAX_IMAGE_BYTES).`);
}
