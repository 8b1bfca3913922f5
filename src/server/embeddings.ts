import type { FastifyReply, FastifyRequest } from "fastify";
import { EncoderError } from "../errors.ts";
import type { Source } from "./items.ts";
import type { RouteContext } from "./route-context.ts";
import { listed, type Piece, sendVectors, type VectorEncoding, vectorBytes } from "./vector-stream.ts";

interface Embeddings {
  /** Some of a batch may be null: with `errors`. */
  embeddings: readonly (Float32Array | null)[];
  /** Says why vectors are null, if the request asked for that with on_error. */
  errors?: readonly EncoderError[] | undefined;
  dimensions: number;
  /** The request was for one item, not for a batch of one. */
  isSingle: boolean;
  encoding: VectorEncoding;
}

/** Sends the answer. For a single item it has success, dimensions and embedding alone: clients reject unknown keys. */
function sendEmbeddings(reply: FastifyReply, answer: Embeddings): FastifyReply {
  if (!wantsBytes(reply.request)) return sendVectors(reply, frame(answer), answer.encoding);
  return reply.header("content-type", "application/octet-stream").send(vectorBytes(answer.embeddings[0]!));
}

/** @throws EncoderError NOT_ACCEPTABLE if a batch is to be answered with raw bytes, which would not tell vectors apart */
function requireAcceptable(request: FastifyRequest, { isSingle }: { isSingle: boolean }): void {
  if (isSingle || !wantsBytes(request)) return;
  const message = "Only one vector can be answered as application/octet-stream; a batch is application/json.";
  throw new EncoderError("NOT_ACCEPTABLE", message);
}

function wantsBytes({ headers: { accept = "" } }: FastifyRequest): boolean {
  return /\bapplication\/octet-stream\b/i.test(accept) && !/\bapplication\/json\b/i.test(accept);
}

function* frame({ embeddings, isSingle, errors, dimensions }: Embeddings): Generator<Piece> {
  yield `{"success":true,"dimensions":${dimensions},`;
  if (isSingle) {
    yield '"embedding":';
    yield embeddings[0]!;
    yield "}";
  } else {
    yield '"embeddings":[';
    yield* listed(embeddings);
    const faults = errors?.map(({ index, code, message }) => ({ index, code, error: message }));
    yield faults ? `],"errors":${JSON.stringify(faults)}}` : "]}";
  }
}

export interface Batch {
  request: FastifyRequest;
  reply: FastifyReply;
  sources: Source[];
  noun: string;
  /** Name of the field that holds a batch; undefined where there is one item. */
  field: string | undefined;
  normalize: boolean;
  encoding: VectorEncoding;
  onError: "fail" | "null" | undefined;
}

/** Does what both encode routes do, once they know what is asked of them. */
export async function answerEmbeddings(
  { manifest, readItems, encode }: RouteContext,
  { request, reply, sources, noun, field, normalize, encoding, onError }: Batch,
): Promise<FastifyReply> {
  const isSingle = field === undefined;
  requireAcceptable(request, { isSingle });
  if (isSingle && onError) {
    throw new EncoderError("INVALID_REQUEST", "on_error is for batches; a single item is answered, or fails.");
  }
  const { dimensions } = manifest;
  const names = { noun, field };
  if (onError === "null") {
    const items = await readItems(request, sources, { ...names, keepFaults: true });
    const { embeddings, errors } = await encode.withFaults({ request, reply }, items, { normalize });
    return sendEmbeddings(reply, { embeddings, errors, isSingle, encoding, dimensions });
  }
  const items = await readItems(request, sources, names);
  const { embeddings } = await encode({ request, reply }, items, { normalize });
  return sendEmbeddings(reply, { embeddings, isSingle, encoding, dimensions });
}
