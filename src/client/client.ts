import { jsonOf } from "./base64.ts";
import { bodyOf, createEncode, isString, vectorsOfOneLength } from "./encode.ts";
import { type Facts, factsOf } from "./facts.ts";
import { type CallOptions, type ClientOptions, send } from "./request.ts";
import type {
  CompareReply,
  CompareRequest,
  EncodeBatch,
  Encoded,
  EncodeOptions,
  ImageInput,
  Index,
  Info,
  PictureWidth,
  RankReply,
  RankRequest,
  Sample,
  SampledPicture,
  SearchReply,
  SearchRequest,
} from "./types.ts";

export type { ErrorCode } from "../errors.ts";
export type { Facts, Stage } from "./facts.ts";
export type { CallOptions, ClientOptions } from "./request.ts";
export { ServiceError, type ServiceErrorCode } from "./service-error.ts";
export type * from "./types.ts";

/**
 * Offers the service's HTTP interface as functions. Each rejects with a ServiceError, or with the reason of its own
 * signal.
 */
export interface Client {
  encodeText(text: string, options?: EncodeOptions): Promise<Encoded>;
  /** Any number of texts: they go in requests of `batchSize`, a few at once. */
  encodeTexts: EncodeBatch<string>;
  encodeImage(image: ImageInput, options?: EncodeOptions): Promise<Encoded>;
  /** Any number of images. Bytes go in a request each, as they are; URLs and base64 in requests of `batchSize`. */
  encodeImages: EncodeBatch<ImageInput>;
  rank(request: RankRequest, options?: CallOptions): Promise<RankReply & Facts>;
  compare(request: CompareRequest, options?: CallOptions): Promise<CompareReply & Facts>;
  /** Needs a service that was started with --index, as do the next three. */
  search(request: SearchRequest, options?: CallOptions): Promise<SearchReply & Facts>;
  index(options?: CallOptions): Promise<Index>;
  /** Pictures spread evenly over the index, at most 5,000 of them (1,000 by default), with their vectors. */
  sample(options?: CallOptions & { limit?: number }): Promise<Sample>;
  /** Gets a picture of the index, as a WebP of at most this width; of 256 pixels by default. */
  picture(id: string, options?: CallOptions & { width?: PictureWidth }): Promise<Blob>;
  info(options?: CallOptions): Promise<Info>;
  /** Tells whether both towers give vectors; false too if the service cannot be reached. */
  isHealthy(options?: CallOptions): Promise<boolean>;
  /** Tells whether requests should be sent there. */
  isReady(options?: CallOptions): Promise<boolean>;
  /** Tells whether the process answers. */
  isLive(options?: CallOptions): Promise<boolean>;
}

/** @throws TypeError if the base URL is none; RangeError if a size is none */
export function createClient(given: ClientOptions): Client {
  for (const name of ["batchSize", "concurrency"] as const) {
    const size = given[name] ?? 1;
    if (!Number.isInteger(size) || size < 1) throw new RangeError(`${name}: expected a whole number from 1 on.`);
  }
  const options = { ...given, baseUrl: new URL(String(given.baseUrl).replace(/\/*$/, "/")) };
  const get = (path: string, call: CallOptions = {}) => send(options, { ...call, path });
  const post = async (path: string, body: object, call: CallOptions = {}) =>
    send(options, { ...call, path, body: await jsonOf(body) });

  async function answer<Reply extends object>(
    path: string,
    field: keyof Reply & string,
    body: object,
    call?: CallOptions,
  ) {
    const response = await post(path, body, call);
    return { ...factsOf(response), ...(await bodyOf<Reply>(response, field)) };
  }

  async function isOk(path: string, call: CallOptions = {}): Promise<boolean> {
    try {
      return (await send({ ...options, maxRetries: 0 }, { ...call, path })).ok;
    } catch {
      call.signal?.throwIfAborted();
      return false;
    }
  }

  return {
    ...createEncode(options),
    rank: (request, call) => answer<RankReply>("rank", "results", request, call),
    compare: (request, call) => answer<CompareReply>("compare", "similarities", request, call),
    search: (request, call) => answer<SearchReply>("search", "results", request, call),
    index: async (call) => bodyOf<Index>(await get("index", call), "model", isString),
    sample: async ({ limit = 1000, ...call } = {}) =>
      sampleOf(await get(`index/sample?limit=${limit}&encoding=base64`, call)),
    picture: async (id, { width = 256, ...call } = {}) =>
      (await get(`pictures/${encodeURIComponent(id)}?width=${width}`, call)).blob(),
    info: async (call) => bodyOf<Info>(await get("info", call), "model", isString),
    isHealthy: (call) => isOk("health", call),
    isReady: (call) => isOk("health/ready", call),
    isLive: (call) => isOk("health/live", call),
  };
}

async function sampleOf(response: Response): Promise<Sample> {
  type Written = Omit<SampledPicture, "embedding"> & { embedding: string };
  const { pictures, ...about } = await bodyOf<Omit<Sample, "pictures"> & { pictures: Written[] }>(response, "pictures");
  const vectors = vectorsOfOneLength(pictures.map(({ embedding }) => embedding));
  return { ...about, pictures: pictures.map((picture, i) => ({ ...picture, embedding: vectors[i]! })) };
}
