import type { FastifyInstance, FastifyReply } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Encoding } from "../../encoder/encoder.ts";
import { cosines } from "../../encoder/rank.ts";
import { EncoderError, type ErrorCode } from "../../errors.ts";
import { some, someText, withDimensions } from "../documented.ts";
import type { ErrorAnswer, Protocol } from "../protocol.ts";
import type { RouteContext } from "../route-context.ts";
import { listed, type Piece, sendVectors } from "../vector-stream.ts";
import { requireWhole } from "./cutting.ts";
import { requireDimensions } from "./dimensions.ts";

/** Speaks as Hugging Face's Text Embeddings Inference (https://github.com/huggingface/text-embeddings-inference). */
export const tei: Protocol = {
  name: "tei",
  answer,
  failure: z.strictObject({ error: z.string(), error_type: z.string() }),
  routes(scope, context) {
    embedRoutes(scope, context);
    similarityRoute(scope, context);
    rerankRoute(scope, context);
  },
};

/** TEI has statuses of its own; whatever is not listed keeps the status that it has everywhere. */
const answers: Partial<Record<ErrorCode, { status: number; type: string }>> = {
  OVERLOADED: { status: 429, type: "Overloaded" },
  RATE_LIMITED: { status: 429, type: "Overloaded" },
  INTERNAL: { status: 424, type: "Backend" },
  ENGINE_FAILED: { status: 424, type: "Backend" },
  DEADLINE_EXCEEDED: { status: 504, type: "Backend" },
  SHUTTING_DOWN: { status: 503, type: "Unhealthy" },
  INVALID_REQUEST: { status: 422, type: "Validation" },
  EMPTY_TEXT: { status: 422, type: "Validation" },
  TEXT_TOO_LONG: { status: 422, type: "Validation" },
  BATCH_TOO_LARGE: { status: 422, type: "Validation" },
};

function answer(error: EncoderError): ReturnType<ErrorAnswer> {
  const isBatchEmpty = error.code === "EMPTY_TEXT" && error.index === undefined;
  const known = isBatchEmpty ? { status: 400, type: "Empty" } : answers[error.code];
  return {
    status: known?.status ?? error.status,
    body: { error: error.message, error_type: known?.type ?? "Validation" },
  };
}

const embedBody = z
  .object({
    inputs: z.union([someText, some(someText)], "expected a string or a list of strings; token ids are not read"),
    normalize: z.boolean().nullish().describe("Unit length, the default"),
    dimensions: z.int().nullish().describe("The model's own number of dimensions, or null"),
    truncate: z.boolean().nullish().describe("False refuses texts that are too long; by default, they are cut"),
    truncation_direction: z.enum(["Right", "right"], "expected Right, since the model reads a text's start").nullish(),
    prompt_name: z.null("expected none, since the model has no prompts").optional(),
  })
  .meta({ examples: [{ inputs: "a red bicycle" }, { inputs: ["a dog", "un chien"], normalize: false }] });

/** Serves POST /embed: a list of vectors, for a single text too. Images are not part of this protocol. */
function embedRoutes(scope: FastifyInstance, { manifest, readItems, encode }: RouteContext): void {
  const schema = {
    summary: "Vectors of texts, as Text Embeddings Inference gives them",
    tags: ["tei"],
    body: withDimensions(embedBody, "dimensions", manifest.dimensions),
    response: { 200: z.array(z.array(z.number())) },
  };
  const options = { schema, config: { work: true } } as const;
  for (const path of ["/embed", "/"]) {
    scope.withTypeProvider<ZodTypeProvider>().post(path, options, async (request, reply) => {
      const startedAt = performance.now();
      const { inputs, normalize, dimensions, truncate } = request.body;
      requireDimensions(dimensions, manifest);
      const texts = requireTexts(typeof inputs === "string" ? [inputs] : inputs, "inputs");
      const items = await readItems(request, texts, { noun: "text", field: "inputs" });
      const encoding = await encode({ request, reply }, items, { normalize: normalize ?? true });
      requireWhole(truncate, { truncated: encoding.truncated, maxTokens: manifest.text.maxTokens });
      tellTimes(reply, { encoding, startedAt });
      return sendVectors(reply, frame(encoding.embeddings));
    });
  }
}

function* frame(embeddings: readonly Float32Array[]): Generator<Piece> {
  yield "[";
  yield* listed(embeddings);
  yield "]";
}

const similarityBody = z
  .object({
    inputs: z.object({ source_sentence: someText, sentences: some(someText) }),
  })
  .meta({ examples: [{ inputs: { source_sentence: "a dog", sentences: ["un chien", "a house"] } }] });

/** Serves POST /similarity: the cosines of sentences with one. */
function similarityRoute(scope: FastifyInstance, { readItems, encode }: RouteContext): void {
  const schema = {
    summary: "Cosines of sentences with one, as Text Embeddings Inference gives them",
    tags: ["tei"],
    body: similarityBody,
    response: { 200: z.array(z.number()) },
  };
  const options = { schema, config: { work: true } } as const;
  scope.withTypeProvider<ZodTypeProvider>().post("/similarity", options, async (request, reply) => {
    const startedAt = performance.now();
    const { source_sentence: source, sentences } = request.body.inputs;
    const texts = [{ text: source }, ...requireTexts(sentences, "inputs.sentences")];
    const field = (index: number) => (index === 0 ? "inputs.source_sentence" : `inputs.sentences[${index - 1}]`);
    const items = await readItems(request, texts, { noun: "text", field });
    const encoding = await encode({ request, reply }, items);
    tellTimes(reply, { encoding, startedAt });
    const [first, ...others] = encoding.embeddings;
    return [...cosines(first!, others)];
  });
}

const rerankBody = z
  .object({
    query: someText,
    texts: some(someText),
    raw_scores: z.boolean().nullish().describe("Cosines, in place of (1 + cosine) / 2"),
    return_text: z.boolean().nullish(),
    documents: z.never("expected texts; documents are another service's").optional(),
  })
  .meta({ examples: [{ query: "a dog", texts: ["un chien", "a house"], return_text: true }] });

const rerankReply = z.array(z.strictObject({ index: z.int(), score: z.number(), text: z.string().optional() }));

/** Serves POST /rerank: texts by how well they fit a query, best first. */
function rerankRoute(scope: FastifyInstance, { readItems, encode }: RouteContext): void {
  const schema = {
    summary: "Texts in the order in which they fit a query, as Text Embeddings Inference gives them",
    tags: ["tei"],
    body: rerankBody,
    response: { 200: rerankReply },
  };
  const options = { schema, config: { work: true } } as const;
  scope.withTypeProvider<ZodTypeProvider>().post("/rerank", options, async (request, reply) => {
    const startedAt = performance.now();
    const { query, texts, raw_scores: isRaw, return_text: withText } = request.body;
    const sources = [{ text: query }, ...requireTexts(texts, "texts")];
    const field = (index: number) => (index === 0 ? "query" : `texts[${index - 1}]`);
    const items = await readItems(request, sources, { noun: "text", field });
    const encoding = await encode({ request, reply }, items);
    tellTimes(reply, { encoding, startedAt });
    const [first, ...others] = encoding.embeddings;
    return [...cosines(first!, others)]
      .map((cosine, index) => ({
        index,
        score: isRaw ? cosine : (1 + cosine) / 2,
        ...(withText && { text: texts[index]! }),
      }))
      .sort((a, b) => b.score - a.score || a.index - b.index);
  });
}

/** @throws EncoderError EMPTY_TEXT without an index, which is TEI's "Empty" */
function requireTexts(texts: readonly string[], field: string): { text: string }[] {
  if (texts.length === 0) throw new EncoderError("EMPTY_TEXT", `\`${field}\` cannot be empty.`);
  return texts.map((text) => ({ text }));
}

/** Sets TEI's own headers, in whole milliseconds. */
function tellTimes(reply: FastifyReply, { encoding, startedAt }: { encoding: Encoding; startedAt: number }): void {
  const { tokenizeMs = 0, queueMs, inferenceMs } = encoding.timings;
  const totalMs = Math.round(performance.now() - startedAt);
  reply.headers({
    "x-compute-tokens": encoding.tokens,
    "x-compute-time": totalMs,
    "x-total-time": totalMs,
    "x-tokenization-time": Math.round(tokenizeMs),
    "x-queue-time": Math.round(queueMs),
    "x-inference-time": Math.round(inferenceMs),
  });
}
