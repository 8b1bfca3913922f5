import type { FastifyReply, FastifyRequest } from "fastify";
import type { Encoder, Encoding, StageTimings } from "../encoder/encoder.ts";
import { encodeItems, type Item } from "../encoder/items.ts";
import { startDeadline } from "./deadline.ts";

/** Encodes a request's items within its deadline, for as long as its client waits, and tells how it went in headers. */
export type EncodeFor = (
  exchange: { request: FastifyRequest; reply: FastifyReply },
  items: readonly Item[],
  options?: { normalize?: boolean },
) => Promise<Encoding>;

export function createEncode(encoder: Encoder, requestTimeoutMs: number): EncodeFor {
  return async ({ request, reply }, items, { normalize = true } = {}) => {
    const encoding = await encodeItems(encoder, items, { normalize, ...startDeadline(reply, requestTimeoutMs) });
    const texts = items.reduce((count, item) => count + ("text" in item ? 1 : 0), 0);
    request.encoded = { text: texts, image: items.length - texts, truncated: encoding.truncated };
    reply.header("server-timing", serverTiming(encoding.timings));
    if (encoding.truncated > 0) reply.header("x-truncated", "true");
    return encoding;
  };
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
