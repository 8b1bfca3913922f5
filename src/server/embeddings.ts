import type { FastifyReply } from "fastify";
import { listed, type Piece, sendVectors } from "./vector-stream.ts";

export interface Embeddings {
  embeddings: readonly Float32Array[];
  /** The request was for one item, not for a batch of one. */
  isSingle: boolean;
}

/** Existing clients reject unknown keys: a reply to a single item has exactly success, dimensions and embedding, for ever. */
export function sendEmbeddings(reply: FastifyReply, embeddings: Embeddings): FastifyReply {
  return sendVectors(reply, frame(embeddings));
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
