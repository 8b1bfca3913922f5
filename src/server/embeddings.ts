import type { FastifyReply, FastifyRequest } from "fastify";
import { EncoderError } from "../errors.ts";
import { listed, type Piece, sendVectors, type VectorEncoding, vectorBytes } from "./vector-stream.ts";

export interface Embeddings {
  embeddings: readonly Float32Array[];
  /** The request was for one item, not for a batch of one. */
  isSingle: boolean;
  encoding: VectorEncoding;
}

/** Existing clients reject unknown keys: a reply to a single item has exactly success, dimensions and embedding, for ever. */
export function sendEmbeddings(reply: FastifyReply, answer: Embeddings): FastifyReply {
  if (!wantsBytes(reply.request)) return sendVectors(reply, frame(answer), answer.encoding);
  return reply.header("content-type", "application/octet-stream").send(vectorBytes(answer.embeddings[0]!));
}

/** @throws EncoderError NOT_ACCEPTABLE if a batch is to be answered with raw bytes, which would not tell vectors apart */
export function requireAcceptable(request: FastifyRequest, { isSingle }: { isSingle: boolean }): void {
  if (isSingle || !wantsBytes(request)) return;
  const message = "Only one vector can be answered as application/octet-stream; a batch is application/json.";
  throw new EncoderError("NOT_ACCEPTABLE", message);
}

function wantsBytes({ headers: { accept = "" } }: FastifyRequest): boolean {
  return /\bapplication\/octet-stream\b/i.test(accept) && !/\bapplication\/json\b/i.test(accept);
}

function* frame({ embeddings, isSingle }: Embeddings): Generator<Piece> {
  const [first] = embeddings;
  yield `{"success":true,"dimensions":${first!.length},`;
  if (isSingle) {
    yield '"embedding":';
    yield first!;
    yield "}";
  } else {
    yield '"embeddings":[';
    yield* listed(embeddings);
    yield "]}";
  }
}
