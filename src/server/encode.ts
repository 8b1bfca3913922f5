import type { FastifyReply, FastifyRequest } from "fastify";
import type { Encoder, Encoding, StageTimings } from "../encoder/contract.ts";
import { encodeItems, type Item } from "../encoder/items.ts";
import { stages } from "../encoder/outcomes.ts";
import { atIndex, EncoderError } from "../errors.ts";
import { startDeadline } from "./deadline.ts";
import type { ItemOrFault } from "./items.ts";

/** Encodes a request's items within its deadline, for as long as its client waits, and tells how it went in headers. */
export interface EncodeFor {
  (exchange: Exchange, items: readonly Item[], options?: { normalize?: boolean }): Promise<Encoding>;
  /** Items may be faults already; a fault's vector is null, and `errors` has all of them. */
  withFaults(
    exchange: Exchange,
    items: readonly ItemOrFault[],
    options: { normalize: boolean },
  ): Promise<Encoding<Float32Array | null>>;
}

interface Exchange {
  request: FastifyRequest;
  reply: FastifyReply;
}

export function createEncode(encoder: Encoder, requestTimeoutMs: number): EncodeFor {
  async function encode({ request, reply }: Exchange, items: readonly Item[], { normalize = true } = {}) {
    const limits = startDeadline(reply, requestTimeoutMs);
    return told(
      { request, reply },
      items,
      await encodeItems(encoder, items, { normalize, keepsBytes: true, ...limits }),
    );
  }

  async function withFaults(
    { request, reply }: Exchange,
    items: readonly ItemOrFault[],
    { normalize }: { normalize: boolean },
  ): Promise<Encoding<Float32Array | null>> {
    const places = items.flatMap((item, index) => (item instanceof EncoderError ? [] : [index]));
    const good = items.filter((item): item is Item => !(item instanceof EncoderError));
    const limits = startDeadline(reply, requestTimeoutMs);
    const encoding = await encodeItems(encoder, good, { normalize, keepsBytes: true, onError: "return", ...limits });
    told({ request, reply }, good, encoding);
    const embeddings = new Array<Float32Array | null>(items.length).fill(null);
    for (const [i, embedding] of encoding.embeddings.entries()) embeddings[places[i]!] = embedding;
    const errors = items.filter((item) => item instanceof EncoderError);
    for (const error of encoding.errors) errors.push(atIndex(error, places[error.index!]!));
    return { ...encoding, embeddings, errors: errors.sort((a, b) => a.index! - b.index!) };
  }

  return Object.assign(encode, { withFaults });
}

/** Counts what was encoded, and says in headers how it went. */
function told<Vector>(
  { request, reply }: Exchange,
  items: readonly Item[],
  encoding: Encoding<Vector>,
): Encoding<Vector> {
  const failed = new Set(encoding.errors.map(({ index }) => index));
  const encoded = items.filter((_, index) => !failed.has(index));
  const texts = encoded.reduce((count, item) => count + ("text" in item ? 1 : 0), 0);
  request.encoded = { text: texts, image: encoded.length - texts, truncated: encoding.truncated };
  reply.header("server-timing", serverTiming(encoding.timings));
  if (encoding.truncated > 0) reply.header("x-truncated", "true");
  if (encoding.unknownTokens > 0) reply.header("x-unknown-tokens", encoding.unknownTokens);
  if (encoding.incomplete > 0) reply.header("x-image-incomplete", "true");
  return encoding;
}

function serverTiming(timings: StageTimings): string {
  const parts = stages.flatMap((stage) => {
    const ms = timings[stage];
    return ms === undefined ? [] : [`${stage.replace("Ms", "")};dur=${ms.toFixed(2)}`];
  });
  return parts.join(", ");
}
