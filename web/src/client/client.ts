import { type Connection, type RequestOptions, send } from "./request.ts";
import { parseServerTiming } from "./timing.ts";
import type {
  IndexInfo,
  IndexSample,
  Info,
  SampledPicture,
  SearchReply,
  SearchRequest,
  SearchResult,
  Vectors,
} from "./types.ts";

/** Is the service's HTTP interface, as functions. */
export interface Client {
  info(options?: RequestOptions): Promise<Info>;
  isHealthy(options?: RequestOptions): Promise<boolean>;
  encodeTexts(texts: string[], options?: RequestOptions): Promise<Vectors>;
  /** The bytes go as they are, which is the fastest way. */
  encodeImage(image: Blob, options?: RequestOptions): Promise<Vectors>;
  index(options?: RequestOptions): Promise<IndexInfo>;
  /** Gets at most 5,000 pictures of the index. */
  sample(limit: number, options?: RequestOptions): Promise<IndexSample>;
  search(request: SearchRequest, options?: RequestOptions): Promise<SearchReply>;
  /** Gets a picture of the index, encoded anew at a width of 256, 512 or 1600. */
  picture(id: string, width: 256 | 512 | 1600, options?: RequestOptions): Promise<Blob>;
}

export function createClient(connection: Connection): Client {
  const get = (path: string, options?: RequestOptions) => send(connection, { ...options, path });
  const post = (path: string, body: object | Blob, options?: RequestOptions) =>
    send(connection, { ...options, path, body });
  return {
    info: async (options) => json<Info>(await get("info", options)),
    isHealthy: async (options) =>
      get("health/ready", options).then(
        () => true,
        () => false,
      ),
    encodeTexts: async (texts, options) => vectorsOf(await post("encode_text", { texts }, options)),
    encodeImage: async (image, options) => vectorsOf(await post("encode_image", image, options)),
    index: async (options) => json<IndexInfo>(await get("index", options)),
    async sample(limit, options) {
      type Sampled = Omit<SampledPicture, "vector"> & { embedding: string };
      const response = await get(`index/sample?limit=${limit}&encoding=base64`, options);
      const { count, pictures } = await json<{ count: number; pictures: Sampled[] }>(response);
      return { count, pictures: pictures.map(({ embedding, ...rest }) => ({ ...rest, vector: floatsOf(embedding) })) };
    },
    async search(request, options) {
      const response = await post("search", request, options);
      const { results } = await json<{ results: SearchResult[] }>(response);
      return { results, stages: parseServerTiming(response.headers.get("server-timing")) };
    },
    picture: async (id, width, options) =>
      (await get(`pictures/${encodeURIComponent(id)}?width=${width}`, options)).blob(),
  };
}

async function vectorsOf(response: Response): Promise<Vectors> {
  const reply = await json<{ embedding?: number[]; embeddings?: number[][] }>(response);
  const embeddings = reply.embeddings ?? (reply.embedding ? [reply.embedding] : []);
  return {
    vectors: embeddings.map((embedding) => Float32Array.from(embedding)),
    stages: parseServerTiming(response.headers.get("server-timing")),
    truncated: response.headers.get("x-truncated") === "true",
  };
}

/** Reads base64 of little-endian float32s. */
function floatsOf(base64: string): Float32Array {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** The service documents and tests these shapes, so they are not checked again here. */
async function json<T>(response: Response): Promise<T> {
  return (await response.json()) as T;
}
