import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { FastifyReply } from "fastify";
import { vectorJson } from "../encoder/vector-json.ts";

/** Limits the numbers printed between two turns of the event loop: 16 vectors of 512 take a few milliseconds. */
const numbersPerTurn = 8192;

/** Says how a vector is printed: as a list of numbers, or as a string of base64 of its little-endian float32s. */
export type VectorEncoding = "float" | "base64";

/** A piece of a JSON document is text as it stands, or a vector. */
export type Piece = string | Float32Array;

/**
 * Sends a JSON document made of pieces, which the route's frame yields. Many vectors are printed in turns, while others'
 * requests go on; few are sent at once, with their length.
 */
export function sendVectors(
  reply: FastifyReply,
  pieces: Iterable<Piece>,
  encoding: VectorEncoding = "float",
): FastifyReply {
  reply.header("content-type", "application/json; charset=utf-8");
  const chunks = printed(pieces, encoding);
  const { value, done } = chunks.next();
  return reply.send(done ? value : Readable.from(inTurns(value, chunks), { objectMode: false }));
}

/** Lists vectors, or null in place of some, with commas between them, each framed by `around` where one is given. */
export function* listed(
  vectors: Iterable<Float32Array | null>,
  around: (index: number) => readonly [string, string] = () => ["", ""],
): Generator<Piece> {
  let index = 0;
  for (const vector of vectors) {
    const [before, behind] = around(index);
    yield index++ === 0 ? before : `,${before}`;
    yield vector ?? "null";
    yield behind;
  }
}

/** Prints the document in chunks of about `numbersPerTurn`; the last one is returned. */
function* printed(pieces: Iterable<Piece>, encoding: VectorEncoding): Generator<string, string> {
  let chunk = "";
  let numbers = 0;
  for (const piece of pieces) {
    if (typeof piece === "string") {
      chunk += piece;
      continue;
    }
    if (numbers >= numbersPerTurn) {
      yield chunk;
      chunk = "";
      numbers = 0;
    }
    chunk += encoding === "float" ? vectorJson(piece) : `"${vectorBase64(piece)}"`;
    numbers += piece.length;
  }
  return chunk;
}

async function* inTurns(first: string, rest: Generator<string, string>): AsyncGenerator<string> {
  yield first;
  for (let done: boolean | undefined = false; !done; ) {
    await nextTurn();
    const next = rest.next();
    yield next.value;
    done = next.done;
  }
}

/** Gives its float32s, little-endian as on every processor that ONNX Runtime is built for. */
export function vectorBytes({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

export function vectorBase64(vector: Float32Array): string {
  return vectorBytes(vector).toString("base64");
}
