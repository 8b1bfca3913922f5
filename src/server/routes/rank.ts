import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { cosines, rankVectors, requireProbabilities } from "../../encoder/rank.ts";
import { EncoderError } from "../../errors.ts";
import type { Source } from "../items.ts";
import type { RouteContext } from "../route-context.ts";
import { compareBody, compareReply, noQuery, rankBody, rankReply } from "../schemas.ts";
import { listed, type Piece, sendVectors } from "../vector-stream.ts";

/** Limits the pairs of one answer to about ten megabytes; whoever compares more has a database. */
const maxPairs = 1_000_000;

/** Serves POST /rank: candidates by how well they fit a query. */
export function rankRoute(app: FastifyInstance, { manifest, readItems, encode }: RouteContext): void {
  const { probabilities } = rankBody.shape;
  const noProbabilities = probabilities.meta({ ...probabilities.meta(), enum: [false, null] });
  const schema = {
    summary: "Candidates in the order in which they fit a query; zero-shot classification",
    tags: ["compare"],
    querystring: noQuery,
    body: manifest.logit ? rankBody : rankBody.extend({ probabilities: noProbabilities }).meta({ ...rankBody.meta() }),
    response: { 200: rankReply },
  };
  const options = { schema, config: { work: true } } as const;
  app.withTypeProvider<ZodTypeProvider>().post("/rank", options, async (request, reply) => {
    const { query, candidates, probabilities, top } = request.body;
    const wanted = { probabilities: probabilities ?? false, ...(top != null && { top }) };
    requireProbabilities(wanted, manifest);
    if (candidates.length === 0) throw new EncoderError("INVALID_REQUEST", "The request holds no candidates.");
    const field = (index: number) => (index === 0 ? "query" : `candidates[${index - 1}]`);
    const sources = [query, ...candidates].map((item, index) => sourceOf(item, field(index)));
    const items = await readItems(request, sources, { noun: "item", field });
    const { embeddings } = await encode({ request, reply }, items);
    const { probabilityKind, results } = rankVectors(embeddings, { ...wanted, logit: manifest.logit });
    return { success: true as const, probability_kind: probabilityKind, results };
  });
}

/** Serves POST /compare: the cosines of all pairs. */
export function compareRoute(app: FastifyInstance, { readItems, encode }: RouteContext): void {
  const schema = {
    summary: "The cosine of each of some items with each of others",
    tags: ["compare"],
    querystring: noQuery,
    body: compareBody,
    response: { 200: compareReply },
  };
  const options = { schema, config: { work: true } } as const;
  app.withTypeProvider<ZodTypeProvider>().post("/compare", options, async (request, reply) => {
    const { a, b } = request.body;
    const count = a.length;
    if (count === 0 || b.length === 0) throw new EncoderError("INVALID_REQUEST", "Both a and b must hold items.");
    if (count * b.length > maxPairs) {
      const message = `a and b make ${count * b.length} pairs; at most ${maxPairs} fit one request.`;
      throw new EncoderError("BATCH_TOO_LARGE", message);
    }
    const field = (index: number) => (index < count ? `a[${index}]` : `b[${index - count}]`);
    const sources = [...a, ...b].map((item, index) => sourceOf(item, field(index)));
    const items = await readItems(request, sources, { noun: "item", field });
    const { embeddings } = await encode({ request, reply }, items);
    return sendVectors(reply, similarities(embeddings.slice(0, count), embeddings.slice(count)));
  });
}

function* similarities(a: readonly Float32Array[], b: readonly Float32Array[]): Generator<Piece> {
  yield '{"success":true,"similarities":[';
  yield* listed(rows(a, b));
  yield "]}";
}

/** Computes cosines when they are printed, a few in each turn of the event loop. */
function* rows(a: readonly Float32Array[], b: readonly Float32Array[]): Generator<Float32Array> {
  for (const vector of a) yield cosines(vector, b);
}

interface NamedItem {
  text?: string | null | undefined;
  url?: string | null | undefined;
  b64?: string | null | undefined;
}

export function sourceOf({ text, url, b64 }: NamedItem, name: string): Source {
  const given: Source[] = [];
  if (text != null) given.push({ text });
  if (url != null) given.push({ url });
  if (b64 != null) given.push({ b64 });
  if (given.length === 1) return given[0]!;
  const message = `${name}: Exactly one of text, url and b64 is expected; found ${given.length || "none"}.`;
  throw new EncoderError("INVALID_REQUEST", message);
}
