import { createHash, webcrypto } from "node:crypto";
import { EncoderError, toEncoderError } from "../errors.ts";
import type { Decoder, DecodeTurn } from "../image/decoder.ts";
import type { FetchedImage, ImageFetcher } from "../image/fetch.ts";
import type { Picture } from "../image/pixels.ts";
import type { Prepare, TowerRequest } from "../tower/request.ts";
import type { Tower } from "../tower/tower.ts";
import { decodeBase64, isDataUri } from "./base64.ts";
import type { Encode, EncodeOptions, EncoderObserver, ImageInput } from "./contract.ts";
import { type EncodedItem, encodingOf, itemOrFault } from "./outcomes.ts";

export interface ImageEncoderOptions {
  tower: Tower<Picture>;
  fetcher: ImageFetcher;
  decoder: Decoder;
  observer: EncoderObserver;
  /** Data URIs of more bytes are not decoded. */
  maxImageBytes: number;
}

/** Creates the way of an image, from where it lies to its vector. */
export function createImageEncoder(options: ImageEncoderOptions): Encode<ImageInput> {
  const { tower, fetcher, decoder, observer, maxImageBytes } = options;

  async function encodeImages(inputs: readonly ImageInput[], options: EncodeOptions = {}) {
    const request = tower.open({ ...options, items: inputs.length });
    try {
      // What is behind a URL takes room when it has arrived, or slow servers could keep others out. A single image may be
      // one that is under way already, so it is looked at first.
      const given = inputs.filter((input) => input instanceof Uint8Array).map(() => ({ cost: 1 }));
      if (inputs.length > 1 && given.length > 0) request.reserve(given);
      const items = await request.each(inputs, (input, { index, waitedMs }) =>
        itemOrFault(
          encodeImage(input, { ...options, request, position: index, waitedMs, isOneOfMany: inputs.length > 1 }),
          index,
          options,
        ),
      );
      return { ...encodingOf(items), truncated: 0, unknownTokens: 0, tokens: 0 };
    } finally {
      request.close(); // one failed item ends the work on the others
    }
  }

  /** Takes an image its way: URL -> bytes -> pixels -> batch -> vector. */
  async function encodeImage(input: ImageInput, step: ImageStep): Promise<EncodedItem> {
    const { request, position, waitedMs, isOneOfMany } = step;
    const { bytes, release, ...fetching } = await bytesOf(input, step);
    try {
      const key = await hashOf(bytes);
      const decode = async (turn: DecodeTurn) => {
        const { incomplete, ...item } = await decoder.decode(bytes, { ...turn, isOneOfMany });
        return { item, incomplete };
      };
      const otherwise: Prepare<Picture> = (turn) => decode({ ...turn, isDeclined: true });
      const result = await request.embed({ key, position, cost: 1 }, (turn) =>
        decoder.leavesToEngine(bytes) ? { item: { file: bytes }, otherwise } : decode(turn),
      );
      const { embedding, incomplete, prepareMs: decodeMs, inferenceMs } = result;
      const timings = { ...fetching, decodeMs, queueMs: waitedMs + result.queueMs, inferenceMs };
      observer.onTimings?.("image", timings);
      return { embedding, incomplete, timings };
    } finally {
      release();
    }
  }

  /** Gets an input's own bytes, those that its data URI holds, or those that its URL leads to. */
  async function bytesOf(input: ImageInput, step: ImageStep): Promise<Bytes> {
    if (input instanceof Uint8Array) return { bytes: step.keepsBytes ? input : new Uint8Array(input), release() {} };
    if (typeof input?.url !== "string") {
      throw new EncoderError("INVALID_REQUEST", "The image is neither a Uint8Array nor an object with its url.");
    }
    if (!isDataUri(input.url)) return fetchImage(input.url, step);
    return { bytes: await decodeBase64(input.url, { maxBytes: maxImageBytes }), release() {} };
  }

  async function fetchImage(url: string, { request, position, deadline, wait }: ImageStep): Promise<Bytes> {
    const startedAt = performance.now();
    try {
      const turn = { signal: request.signal, dueAt: request.dueAt(position), deadline, wait };
      const image = await fetcher.fetchImage(url, turn);
      observer.onFetch?.("ok");
      return { ...image, fetchMs: performance.now() - startedAt };
    } catch (error) {
      observer.onFetch?.(toEncoderError(error).code);
      throw error;
    }
  }

  return encodeImages as Encode<ImageInput>; // null stands only in the place of an error that was asked for
}

/** Without instructions for it, a megabyte takes 2 ms. More is hashed off this thread, so that other requests go on. */
const mostBytesHashedHere = 512 * 1024;
/** What is hashed there is copied first: so much in 3 ms. */
const bytesPerCopy = 4 * 1024 * 1024;

/** Gives the SHA-256 of the bytes, or for large ones that of their portions' hashes. */
async function hashOf(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= mostBytesHashedHere) return createHash("sha256").update(bytes).digest("base64");
  const hash = createHash("sha256").update(`portions of ${bytesPerCopy}`);
  for (let at = 0; at < bytes.length; at += bytesPerCopy) {
    hash.update(new Uint8Array(await webcrypto.subtle.digest("SHA-256", bytes.subarray(at, at + bytesPerCopy))));
  }
  return hash.digest("base64");
}

type Bytes = FetchedImage & { fetchMs?: number };

interface ImageStep extends Pick<EncodeOptions, "deadline" | "wait" | "keepsBytes"> {
  request: TowerRequest<Picture>;
  position: number;
  isOneOfMany: boolean;
  /** Milliseconds spent waiting for the images before it. */
  waitedMs: number;
}
