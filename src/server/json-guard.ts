import { isBlank } from "../encoder/base64.ts";
import { EncoderError } from "../errors.ts";

/** No route reads a body that is nested this deeply. */
const maxDepth = 32;

/**
 * From this size on a string is long: base64 of anything but a small image. Where JSON.parse makes it, it is twice among V8's
 * new objects, which pushes those of waiting requests among the old ones, and all of these are looked through sooner.
 */
const leastLongBytes = 16 * 1024;

/** Locates a string without escapes in the body: its first byte, and the byte behind its last. */
export interface LongString {
  start: number;
  end: number;
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/**
 * Watches JSON text as it arrives, before it is parsed. A few bytes of `[[[[` or `{},{}` become fifty times as much
 * memory in JSON.parse, so both the depth and the number of values have a limit.
 */
export class JsonGuard {
  readonly #maxValues: number;
  #values = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Counts the body's bytes before this chunk. */
  #bytesBefore = 0;
  #stringStart = 0;
  #hasEscapes = false;
  /** Nothing but blanks has come since a long string. */
  #followsLong = false;
  /** Lists the long strings so far, in their order. */
  readonly longStrings: LongString[] = [];

  constructor({ maxValues }: { maxValues: number }) {
    this.#maxValues = maxValues;
  }

  /** @throws EncoderError INVALID_REQUEST or BATCH_TOO_LARGE */
  inspect(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) at = this.#inString ? this.#skipString(chunk, at) : this.#scan(chunk, at);
    this.#bytesBefore += chunk.length;
    if (this.#values > this.#maxValues) {
      throw new EncoderError("BATCH_TOO_LARGE", "The JSON body holds more values than the largest batch needs.");
    }
  }

  /** Goes behind the end of a string. Most bytes of a large body are one string of base64, which `indexOf` skips. */
  #skipString(chunk: Uint8Array, start: number): number {
    const found = chunk.indexOf(quote, start);
    const end = found === -1 ? chunk.length : found;
    if (!this.#escaped && !chunk.subarray(start, end).includes(backslash)) {
      this.#inString = found === -1;
      const string = { start: this.#stringStart, end: this.#bytesBefore + end };
      const isLong = string.end - string.start >= leastLongBytes;
      this.#followsLong = isLong && !this.#inString && !this.#hasEscapes;
      if (this.#followsLong) this.longStrings.push(string);
      return end + 1;
    }
    this.#hasEscapes = true;
    let escaped = this.#escaped;
    let i = start;
    for (; i < chunk.length && (escaped || chunk[i] !== quote); i++) escaped = !escaped && chunk[i] === backslash;
    this.#escaped = escaped;
    this.#inString = i === chunk.length;
    return i + 1;
  }

  /** Goes behind the start of the next string. */
  #scan(chunk: Uint8Array, start: number): number {
    let values = this.#values;
    let depth = this.#depth;
    let i = this.#followsLong ? this.#requireValue(chunk, start) : start;
    for (; i < chunk.length && chunk[i] !== quote; i++) {
      const byte = chunk[i];
      if (byte === 0x2c /* , */) values++;
      else if (byte === 0x5d /* ] */ || byte === 0x7d /* } */) depth--;
      else if (byte === 0x5b /* [ */ || byte === 0x7b /* { */) {
        values++;
        if (++depth > maxDepth) {
          throw new EncoderError("INVALID_REQUEST", `The JSON body is nested deeper than ${maxDepth} levels.`);
        }
      }
    }
    this.#inString = i < chunk.length;
    this.#stringStart = this.#bytesBefore + i + 1;
    this.#hasEscapes = false;
    this.#values = this.#inString ? values + 1 : values;
    this.#depth = depth;
    return i + 1;
  }

  /**
   * Goes behind the blanks that follow a long string, which must be a value: no field has such a long name, and V8 tells
   * thousands of one length apart by comparing them all.
   */
  #requireValue(chunk: Uint8Array, start: number): number {
    let i = start;
    while (i < chunk.length && isBlank(chunk[i]!)) i++;
    this.#followsLong = i === chunk.length;
    if (chunk[i] !== colon) return i;
    throw new EncoderError("INVALID_REQUEST", "The request has a field whose name is longer than any that is known.");
  }
}
