import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { EncoderError, type ErrorCode } from "../../errors.ts";
import type { ErrorAnswer, Protocol } from "../protocol.ts";
import type { RouteContext } from "../route-context.ts";
import { listed, type Piece, sendVectors } from "../vector-stream.ts";

/** Hugging Face's Text Embeddings Inference (https://github.com/huggingface/text-embeddings-inference). */
export const tei: Protocol = {
  name: "tei",
  answer,
  failure: z.strictObject({ error: z.string(), error_type: z.string() }),
  routes: embedRoute,
};

/** TEI's own statuses; whatever is not listed keeps the status that it has everywhere. */
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

const embedBody = z.object({
  inputs: z.union([z.string(), z.array(z.string())], "expected a string or a list of strings; token ids are not read"),
  normalize: z.boolean().nullish().describe("Unit length, the default"),
  dimensions: z.int().nullish().describe("The model's own number of dimensions, or null"),
});

/** POST /embed: a list of vectors, for a single text too. Images are not part of this protocol. */
function embedRoute(scope: FastifyInstance, { manifest, readItems, encode }: RouteContext): void {
  const schema = {
    summary: "Vectors of texts, as Text Embeddings Inference gives them",
    tags: ["tei"],
    body: embedBody,
    response: { 200: z.array(z.array(z.number())) },
  };
  const options = { schema, config: { work: true } } as const;
  scope.withTypeProvider<ZodTypeProvider>().post("/embed", options, async (request, reply) => {
    const { inputs, normalize, dimensions } = request.body;
    if (dimensions != null && dimensions !== manifest.dimensions) {
      const message = `dimensions: the model gives ${manifest.dimensions}, not ${dimensions}.`;
      throw new EncoderError("INVALID_REQUEST", message);
    }
    if (inputs.length === 0 && typeof inputs !== "string") throw new EncoderError("EMPTY_TEXT", "`inputs` is empty.");
    const sources = [inputs].flat().map((text) => ({ text }));
    const items = await readItems(request, sources, { noun: "text", field: "inputs" });
    const { embeddings } = await encode({ request, reply }, items, { normalize: normalize ?? true });
    return sendVectors(reply, frame(embeddings));
  });
}

function* frame(embeddings: readonly Float32Array[]): Generator<Piece> {
  yield "[";
  yield* listed(embeddings);
  yield "]";
}
