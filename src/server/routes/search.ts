import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import { EncoderError } from "../../errors.ts";
import type { PictureIndex } from "../../search/picture-index.ts";
import { combine } from "../../search/query.ts";
import { publicPicture, publicResult } from "../../search/results.ts";
import type { SampledRow } from "../../search/vector-store.ts";
import type { Source } from "../items.ts";
import type { RouteContext } from "../route-context.ts";
import { indexReply, noQuery, sampleQuery, sampleReply, searchBody, searchReply } from "../schemas.ts";
import { listed, type Piece, sendVectors } from "../vector-stream.ts";
import { sourceOf } from "./rank.ts";

/** Serves POST /search: pictures of the index that fit words, a picture, a vector, or a weighted sum of several. */
export function searchRoute(app: FastifyInstance, { readItems, encode }: RouteContext, index: PictureIndex): void {
  const schema = {
    summary: "Pictures of the index that fit words, a picture or a vector",
    tags: ["search"],
    querystring: noQuery,
    body: searchBody,
    response: { 200: searchReply },
  };
  const options = { schema, config: { work: true } } as const;
  app.withTypeProvider<ZodTypeProvider>().post("/search", options, async (request, reply) => {
    const { limit, offset, filter } = request.body;
    const question = questionOf(request.body);
    const items =
      question.sources.length > 0
        ? await readItems(request, question.sources, { noun: "part", field: question.field })
        : [];
    const vectors = items.length > 0 ? (await encode({ request, reply }, items)).embeddings : question.vectors;
    const vector = combine(vectors, question.weights);
    const found = await index.search({ vector, limit: limit ?? 10, offset: offset ?? 0, filter: filter ?? undefined });
    return { success: true as const, results: found.map(publicResult) };
  });
}

interface AskedFor {
  sources: Source[];
  /** Vectors may be given instead of sources. */
  vectors: Float32Array[];
  weights: number[];
  field?: string;
}

/** @throws EncoderError INVALID_REQUEST unless exactly one thing is asked for. */
function questionOf(body: z.output<typeof searchBody>): AskedFor {
  const { text, image_url: url, image_b64: b64, embedding, query } = body;
  const given: AskedFor[] = [];
  if (text != null) given.push({ sources: [{ text }], vectors: [], weights: [1] });
  if (url) given.push({ sources: [{ url }], vectors: [], weights: [1] });
  if (b64) given.push({ sources: [{ b64 }], vectors: [], weights: [1] });
  if (embedding != null) given.push({ sources: [], vectors: [Float32Array.from(embedding)], weights: [1] });
  if (query != null) {
    const sources = query.map((part, i) => sourceOf(part, `query[${i}]`));
    given.push({ sources, vectors: [], weights: query.map(({ weight }) => weight ?? 1), field: "query" });
  }
  if (given.length === 1) return given[0]!;
  const names = "text, image_url, image_b64, embedding and query";
  const message = `Exactly one of ${names} is expected; the request has ${given.length || "none"}.`;
  throw new EncoderError("INVALID_REQUEST", message);
}

/** Serves GET /index: what can be searched. */
export function indexRoute(app: FastifyInstance, index: PictureIndex): void {
  const schema = {
    summary: "What the index holds",
    tags: ["search"],
    querystring: noQuery,
    response: { 200: indexReply },
  };
  app.get("/index", { schema }, async () => {
    const { model, precision, dimensions, updatedAt } = await index.facts();
    const rows = await index.rows();
    const [count, columns] = await Promise.all([rows.count(), rows.columns()]);
    const about = { model, precision, dimensions, count, columns: Object.keys(columns), updated_at: updatedAt };
    return { success: true as const, ...about };
  });
}

/** GET /index/sample: pictures spread evenly over the index, with their vectors, for whoever draws a map of it. */
export function sampleRoute(app: FastifyInstance, index: PictureIndex): void {
  const schema = {
    summary: "Pictures spread evenly over the index, with their vectors",
    tags: ["search"],
    querystring: sampleQuery,
    response: { 200: sampleReply },
  };
  const options = { schema, config: { work: true } } as const;
  app.withTypeProvider<ZodTypeProvider>().get("/index/sample", options, async (request, reply) => {
    const { limit, encoding } = request.query;
    const rows = await index.rows();
    const [count, sample] = await Promise.all([rows.count(), rows.sample(limit)]);
    return sendVectors(reply, sampleFrame(count, sample), encoding);
  });
}

function* sampleFrame(count: number, rows: readonly SampledRow[]): Generator<Piece> {
  yield `{"success":true,"count":${count},"pictures":[`;
  const vectors = rows.map(({ vector }) => vector);
  yield* listed(vectors, (at) => [`${JSON.stringify(publicPicture(rows[at]!)).slice(0, -1)},"embedding":`, "}"]);
  yield "]}";
}
