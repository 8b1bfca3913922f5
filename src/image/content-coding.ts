import { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from "node:zlib";

/** More codings than this, one inside the other, are somebody's trick. */
const mostCodings = 3;

/**
 * Undoes the content codings of a body: none was asked for, but some servers compress all the same. As Node's fetch and
 * curl do, a coding that nobody knows is passed over with the whole header: object stores keep whatever was said when
 * an object was uploaded, such as `base64`, `utf-8` or `aws-chunked`, and give the picture itself.
 */
export async function withoutCodings(
  body: Readable,
  header: string | string[] | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  const codings = String(header ?? "")
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");
  const isKnown = codings.every((coding) => ["gzip", "x-gzip", "deflate", "br"].includes(coding));
  if (!isKnown || codings.length === 0 || codings.length > mostCodings) return body;

  let stream: Readable = body;
  for (const coding of codings.reverse()) {
    const { first, all } = coding === "deflate" ? await peek(stream) : { first: undefined, all: stream };
    const decoder = createDecoder(coding, first);
    all.on("error", (error) => decoder.destroy(error)).pipe(decoder);
    stream = decoder;
  }
  return stream;
}

/** deflate is zlib's format, whose first byte has 8 in its lower half; but some servers send its raw inside. */
function createDecoder(coding: string, first: number | undefined) {
  if (coding === "br") return createBrotliDecompress();
  if (coding !== "deflate") return createGunzip();
  return first === undefined || (first & 0x0f) === 8 ? createInflate() : createInflateRaw();
}

/** Reads the first byte, and gives the stream with it. */
async function peek(stream: Readable): Promise<{ first: number | undefined; all: Readable }> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>; // of a stream of bytes
  const start = await chunks.next();
  const all = async function* () {
    if (!start.done) yield start.value;
    yield* chunks;
  };
  return { first: start.done ? undefined : start.value[0], all: Readable.from(all()) };
}
