import { isItemFault } from "../errors.ts";
import { jsonOf, vectorOf } from "./base64.ts";
import { chunksOf, encodeParts, type Part, type PartAnswer } from "./batches.ts";
import { factsOf } from "./facts.ts";
import { type CallOptions, type ClientOptions, send } from "./request.ts";
import { ServiceError } from "./service-error.ts";
import type {
  BatchOptions,
  Bytes,
  EncodeBatch,
  Encoded,
  EncodeOptions,
  Encoding,
  ImageInput,
  ItemError,
} from "./types.ts";

/** The functions that turn texts and images into vectors, which are asked for as base64. */
export function createEncode(options: ClientOptions) {
  const { batchSize = 64, concurrency = 4 } = options;
  const post = async (path: string, body: object, call: CallOptions) =>
    send(options, { ...call, path, body: await jsonOf({ ...body, encoding: "base64" }) });

  async function encodeText(text: string, { normalize, ...call }: EncodeOptions = {}): Promise<Encoded> {
    return encodedOf(await post("encode_text", { text, normalize }, call));
  }

  async function encodeImage(image: ImageInput, { normalize, ...call }: EncodeOptions = {}): Promise<Encoded> {
    if (isBytes(image)) {
      const path = `encode_image?encoding=base64${normalize === false ? "&normalize=false" : ""}`;
      return encodedOf(await send(options, { ...call, path, body: blobOf(image) }));
    }
    const source = "url" in image ? { image_url: image.url } : { image_b64: image.b64 };
    return encodedOf(await post("encode_image", { ...source, normalize }, call));
  }

  /** Requests of `batchSize` items each, which stand in `field` of the body. */
  function partsOf<T>(entries: readonly [number, T][], { path, field, normalize, onError, call }: Several): Part[] {
    return [...chunksOf(entries, batchSize)].map((chunk) => ({
      indexes: chunk.map(([index]) => index),
      async ask(signal) {
        const body = { [field]: chunk.map(([, item]) => item), normalize, on_error: onError };
        return encodingOf(await post(path, body, { ...call, signal }));
      },
    }));
  }

  async function encodeTexts(texts: readonly string[], { normalize, onError, ...call }: BatchOptions = {}) {
    const several = { path: "encode_text", field: "texts", normalize, onError, call };
    return encodeParts(partsOf([...texts.entries()], several), { concurrency, signal: call.signal });
  }

  async function encodeImages(images: readonly ImageInput[], { normalize, onError, ...call }: BatchOptions = {}) {
    const several = { path: "encode_image", field: "images", normalize, onError, call };
    const entries = [...images.entries()];
    const alone = entries.flatMap(([index, image]) => (isBytes(image) ? { index, image } : []));
    const parts = alone.map(({ index, image }) => ({
      indexes: [index],
      ask: (signal: AbortSignal) => batchOfOne(encodeImage(image, { ...call, normalize, signal }), onError),
    }));
    const others = partsOf(
      entries.filter(([, image]) => !isBytes(image)),
      several,
    );
    return encodeParts([...parts, ...others], { concurrency, signal: call.signal });
  }

  return {
    encodeText,
    encodeTexts: encodeTexts as EncodeBatch<string>, // Only with onError: "null" are there nulls.
    encodeImage,
    encodeImages: encodeImages as EncodeBatch<ImageInput>,
  };
}

interface Several {
  path: string;
  field: string;
  normalize: boolean | undefined;
  onError: BatchOptions["onError"];
  call: CallOptions;
}

async function encodedOf(response: Response): Promise<Encoded> {
  type Written = { embedding: string; dimensions: number };
  const { embedding, dimensions } = await bodyOf<Written>(response, "embedding", isString);
  return { ...factsOf(response), embedding: vectorWith(dimensions, embedding) };
}

async function encodingOf(response: Response): Promise<Encoding<Float32Array | null>> {
  type Written = { dimensions: number; embeddings: (string | null)[]; errors?: ItemError[] };
  const { dimensions, embeddings, errors = [] } = await bodyOf<Written>(response, "embeddings");
  return {
    ...factsOf(response),
    embeddings: embeddings.map((vector) => (vector === null ? null : vectorWith(dimensions, vector))),
    errors,
  };
}

function vectorWith(dimensions: number, base64: string): Float32Array {
  return readVector(base64, { length: dimensions, because: `tells ${dimensions} dimensions` });
}

/**
 * Reads vectors that lie in one index, and so have one length.
 * @throws ServiceError as `readVector` does
 */
export function vectorsOfOneLength(all: readonly string[]): Float32Array[] {
  let first: Float32Array | undefined;
  return all.map((base64) => {
    const vector = readVector(base64, first && { length: first.length, because: `its first one has ${first.length}` });
    first ??= vector;
    return vector;
  });
}

/** @throws ServiceError where the vector is cut, or no vector: whatever is computed with it would be NaN */
function readVector(base64: string, required?: { length: number; because: string }): Float32Array {
  const vector = tryVectorOf(base64);
  if (vector && vector.length === (required?.length ?? vector.length)) return vector;
  const found = vector ? `a vector of ${vector.length} numbers` : "something else than a vector";
  const message = `The answer holds ${found}${required ? ` and ${required.because}` : ""}.`;
  throw new ServiceError(message, { status: 200, code: "UNEXPECTED_ANSWER" });
}

function tryVectorOf(base64: string): Float32Array | undefined {
  try {
    return vectorOf(base64);
  } catch {
    return undefined; // neither base64 nor whole float32s
  }
}

/** The service takes `on_error` for batches alone; here a single picture is a batch of one. */
async function batchOfOne(encoded: Promise<Encoded>, onError: BatchOptions["onError"]): Promise<PartAnswer> {
  try {
    const { embedding, ...facts } = await encoded;
    return { ...facts, embeddings: [embedding], errors: [] };
  } catch (error) {
    if (onError !== "null" || !(error instanceof ServiceError) || !isItemFault(error)) throw error;
    const { code, message } = error;
    return { embeddings: [null], errors: [{ index: 0, code, error: message }] };
  }
}

export const isString = (value: unknown) => typeof value === "string";

/**
 * Reads an answer. The service documents and tests these shapes, so they are not checked again but for one field: it may
 * not be the service at all.
 * @throws ServiceError UNEXPECTED_ANSWER
 */
export async function bodyOf<T extends object>(
  response: Response,
  field: keyof T & string,
  isRight: (value: unknown) => boolean = Array.isArray,
): Promise<T> {
  const body = (await response.json().catch(() => undefined)) as T | null | undefined;
  if (isRight(body?.[field])) return body!;
  const what = body === undefined ? "is not JSON" : `lacks "${field}"`;
  const message = `The answer ${what}; is the base URL that of an Image-Text Encoder?`;
  throw new ServiceError(message, { status: response.status, code: "UNEXPECTED_ANSWER" });
}

function isBytes(image: ImageInput): image is Bytes {
  return image instanceof Blob || image instanceof Uint8Array;
}

function blobOf(bytes: Bytes): Blob {
  if (bytes instanceof Blob) return bytes;
  return new Blob([bytes as Uint8Array<ArrayBuffer>]); // Shared memory is copied as well.
}
