import { setImmediate as immediate } from "node:timers/promises";
import { EncoderError } from "../errors.ts";

/** A data URI's parameters, a file's name among them, end within this many characters. */
const maxDataUriHead = 4096;

/** So many characters are decoded between two turns of the event loop, which takes some 3 ms. */
const usualCharactersPerTurn = 4 * 1024 * 1024;

export interface Base64Options {
  maxBytes: number;
  /** Lets others have a turn of the event loop in the middle of a long text. */
  nextTurn?: () => Promise<void>;
  charactersPerTurn?: number;
}

/**
 * Decodes base64, plain or as a data URI, in the standard alphabet or the URL-safe one, with or without padding and
 * line breaks.
 * @throws EncoderError INVALID_BASE64, or IMAGE_TOO_LARGE before more than `maxBytes` are decoded
 */
export async function decodeBase64(text: string, options: Base64Options): Promise<Buffer> {
  const { maxBytes, nextTurn = immediate, charactersPerTurn = usualCharactersPerTurn } = options;
  const data = isDataUri(text) ? await dataOf(text, { nextTurn, charactersPerTurn }) : text;
  const { end, padding } = withoutPadding(data);
  const decoded = Buffer.allocUnsafe(Math.min(bytesOf(end), maxBytes));
  let digits = 0;
  for (let start = 0; start < end; ) {
    if (start > 0) await nextTurn();
    const portion = wholeGroups(data, { start, most: charactersPerTurn, end });
    const at = bytesOf(digits);
    digits += portion.digits;
    if (bytesOf(digits) > maxBytes) throw imageTooLarge(maxBytes);
    // Node skips what is not base64 and stops at padding, so that foreign characters leave fewer bytes than the length
    // promises; but of those beyond ASCII it looks at the low byte alone.
    const isAscii = Buffer.byteLength(portion.text) === portion.text.length;
    if (!isAscii || decoded.write(portion.text, at, "base64") !== bytesOf(digits) - at) {
      throw invalid("it holds characters that are not base64");
    }
    start += portion.text.length;
  }
  if (padding > 2 || (padding > 0 && (digits + padding) % 4 !== 0)) {
    throw invalid("its length does not fit its padding");
  }
  if (digits % 4 === 1) throw invalid("its length is impossible");
  if (digits === 0) throw invalid("it is empty");
  return decoded.subarray(0, bytesOf(digits));
}

const bytesOf = (digits: number) => Math.floor((digits * 3) / 4);

/** Gives where the digits end, and how many `=` follow, blanks among them. */
function withoutPadding(data: string): { end: number; padding: number } {
  let end = data.length;
  let padding = 0;
  for (; end > 0; end--) {
    const last = data.charCodeAt(end - 1);
    if (last === equalsSign) padding++;
    else if (!isBlank(last)) break;
  }
  return { end, padding };
}

/**
 * Takes a portion that ends where a whole group of four digits does, so that it can be decoded by itself. Blanks do not
 * count as digits; anything else foreign does. Removing the blanks instead would take far longer.
 */
function wholeGroups(data: string, { start, most, end }: { start: number; most: number; end: number }) {
  let stop = Math.min(end, start + most);
  let digits = stop - start - blanksIn(data.slice(start, stop));
  for (; stop < end && digits % 4 > 0; stop++) if (!isBlank(data.charCodeAt(stop))) digits++;
  return { text: data.slice(start, stop), digits };
}

function blanksIn(portion: string): number {
  if (!["\n", "\r", " ", "\t"].some((blank) => portion.includes(blank))) return 0;
  let blanks = 0;
  for (let i = 0; i < portion.length; i++) if (isBlank(portion.charCodeAt(i))) blanks++;
  return blanks;
}

const equalsSign = 0x3d;

/** Recognises tab, line feed, carriage return and space, by their codes. */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Recognises a data URI, whatever may be in it; blanks before it count for nothing, as in browsers. */
export function isDataUri(text: string): boolean {
  return /^\s*data:/i.test(text);
}

type Turns = Required<Pick<Base64Options, "nextTurn" | "charactersPerTurn">>;

/** Tells a data URI from a text that happens to begin with "Data:", as dates do in Italian, Portuguese and Polish. */
export function looksLikeDataUri(text: string): boolean {
  const head = text.slice(0, maxDataUriHead);
  return /^\s*data:(?:[\w.+-]+\/[\w.+-]+\s*[;,]|[^,]*;\s*base64\s*,)/i.test(head);
}

/** Gives what follows `data:image/jpeg;name="a,b.jpg";base64,`. Careful clients escape `+`, `/` and `=` there. */
async function dataOf(uri: string, { nextTurn, charactersPerTurn }: Turns): Promise<string> {
  const start = /;\s*base64\s*,/i.exec(uri.slice(0, maxDataUriHead));
  if (!start) throw invalid("a data URI must be of the form data:image/jpeg;base64,…");
  const data = uri.slice(start.index + start[0].length);
  if (!data.includes("%")) return data;
  const portions: string[] = [];
  for (let start = 0; start < data.length; ) {
    if (start > 0) await nextTurn();
    const stop = start + Math.max(16, Math.ceil(charactersPerTurn / slowerUnescaped));
    const cut = data.slice(stop - 2, stop).lastIndexOf("%"); // of an escape, whose other digits come then
    const portion = data.slice(start, cut === -1 ? stop : stop - 2 + cut);
    portions.push(unescaped(portion));
    start += portion.length;
  }
  return portions.join("");
}

/** Unescaping takes so many times as long as decoding. */
const slowerUnescaped = 8;

function unescaped(portion: string): string {
  try {
    return decodeURIComponent(portion);
  } catch {
    throw invalid("it holds characters that are not base64");
  }
}

function invalid(reason: string): EncoderError {
  return new EncoderError("INVALID_BASE64", `The image is not valid base64: ${reason}.`);
}

export function imageTooLarge(maxImageBytes: number): EncoderError {
  return new EncoderError("IMAGE_TOO_LARGE", `The image is larger than ${maxImageBytes} bytes (MAX_IMAGE_BYTES).`);
}
