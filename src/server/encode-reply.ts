import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { FastifyReply } from "fastify";
import type { Encoding, StageTimings } from "../encoder/encoder.ts";
import { vectorJson } from "./vector-json.ts";

/** Vectors printed between two turns of the event loop: half a millisecond or so. */
const vectorsPerTurn = 16;

export interface EncodeReply {
  encoding: Encoding;
  dimensions: number;
  /** One input was asked for, not a batch of one. */
  isSingle: boolean;
}

/** Existing clients reject unknown keys: a single reply has exactly success, dimensions and embedding, for ever. */
export function sendEncoding(reply: FastifyReply, { encoding, dimensions, isSingle }: EncodeReply): FastifyReply {
  const { embeddings, truncated, timings } = encoding;
  reply.header("content-type", "application/json; charset=utf-8").header("server-timing", serverTiming(timings));
  if (truncated > 0) reply.header("x-truncated", "true");
  const head = `{"success":true,"dimensions":${dimensions},`;
  if (!isSingle) return reply.send(Readable.from(batchJson(head, embeddings), { objectMode: false }));
  return reply.send(Buffer.concat([Buffer.from(`${head}"embedding":`), vectorJson(embeddings[0]!), Buffer.from("}")]));
}

async function* batchJson(head: string, embeddings: Float32Array[]): AsyncGenerator<Buffer> {
  for (let start = 0; start < embeddings.length; start += vectorsPerTurn) {
    const vectors = embeddings.slice(start, start + vectorsPerTurn).map(vectorJson);
    const pieces = vectors.flatMap((vector, i) => [
      Buffer.from(start + i === 0 ? `${head}"embeddings":[` : ","),
      vector,
    ]);
    yield Buffer.concat(pieces);
    await nextTurn();
  }
  yield Buffer.from("]}");
}

const stages: [keyof StageTimings, string][] = [
  ["fetchMs", "fetch"],
  ["decodeMs", "decode"],
  ["tokenizeMs", "tokenize"],
  ["queueMs", "queue"],
  ["inferenceMs", "inference"],
];

function serverTiming(timings: StageTimings): string {
  const parts = stages.flatMap(([stage, name]) => {
    const ms = timings[stage];
    return ms === undefined ? [] : [`${name};dur=${ms.toFixed(2)}`];
  });
  return parts.join(", ");
}
