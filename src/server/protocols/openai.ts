import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { withDimensions } from "../documented.ts";
import type { Protocol } from "../protocol.ts";
import type { RouteContext } from "../route-context.ts";
import { pixel } from "../schemas.ts";
import { listed, type Piece, sendVectors } from "../vector-stream.ts";
import { requireWhole } from "./cutting.ts";
import { requireDimensions } from "./dimensions.ts";
import { openaiAnswer, openaiFailure } from "./openai-error.ts";
import { embeddingsBody, sourcesOf } from "./openai-input.ts";

/** Speaks OpenAI's embeddings and models, and what Jina, NVIDIA NIM, Infinity and vLLM made of them. */
export const openai: Protocol = {
  name: "openai",
  answer: openaiAnswer,
  failure: openaiFailure,
  routes(scope, context) {
    embeddingsRoutes(scope, context);
    modelsRoutes(scope, context);
    healthRoutes(scope);
  },
};

const embedding = z.union([z.array(z.number()), z.string()]).describe("Numbers, or base64 of little-endian float32s");

const embeddingsReply = z.strictObject({
  object: z.literal("list"),
  data: z.array(z.strictObject({ object: z.literal("embedding"), index: z.int(), embedding })),
  model: z.string(),
  usage: z.strictObject({ prompt_tokens: z.int(), total_tokens: z.int() }),
});

function embeddingsRoutes(scope: FastifyInstance, context: RouteContext): void {
  const { manifest, checkModel, readItems, encode } = context;
  const schema = {
    summary: "Vectors of texts and images, as OpenAI and its kin give them",
    tags: ["openai"],
    body: withDimensions(embeddingsBody, "dimensions", manifest.dimensions),
    response: { 200: embeddingsReply },
  };
  const examples = [{ input: [`data:image/png;base64,${pixel}`] }];
  const ofImages = { ...schema, body: schema.body.meta({ ...schema.body.meta(), examples }) };
  const routes = [
    { path: "/v1/embeddings", schema, modality: undefined },
    { path: "/embeddings", schema, modality: undefined },
    // Infinity's older route, of which clients are generated too: its strings are images.
    { path: "/embeddings_image", schema: ofImages, modality: "image" },
  ] as const;
  for (const { path, schema, modality } of routes) {
    const options = { schema, config: { work: true } } as const;
    scope.withTypeProvider<ZodTypeProvider>().post(path, options, async (request, reply) => {
      const { model, dimensions, normalized, encoding_format: format, embedding_type: type } = request.body;
      const { output_dimension: voyageDimensions, normalize: vllmNormalized, truncate, truncation } = request.body;
      checkModel(model);
      requireDimensions(dimensions ?? voyageDimensions, manifest);
      const field = request.body.input == null ? "messages" : "input";
      const sources = sourcesOf({ ...request.body, modality: request.body.modality ?? modality });
      const items = await readItems(request, sources, { noun: "item", field });
      const normalize = normalized ?? vllmNormalized ?? true;
      const { embeddings, tokens, truncated } = await encode({ request, reply }, items, { normalize });
      const { maxTokens } = manifest.text;
      requireWhole(truncate ?? truncation, { truncated, maxTokens });
      const encoding = [format ?? type ?? "float"].flat()[0]!;
      return sendVectors(reply, frame({ embeddings, tokens, model: manifest.name }), encoding);
    });
  }
}

interface Embeddings {
  embeddings: readonly Float32Array[];
  tokens: number;
  model: string;
}

function* frame({ embeddings, tokens, model }: Embeddings): Generator<Piece> {
  yield '{"object":"list","data":[';
  yield* listed(embeddings, (index) => [`{"object":"embedding","index":${index},"embedding":`, "}"]);
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  yield `],"model":${JSON.stringify(model)},"usage":${JSON.stringify(usage)}}`;
}

/** OpenAI's clients read the first four, and Infinity's the others, too. */
const servedModel = z.strictObject({
  id: z.string(),
  object: z.literal("model"),
  created: z.int(),
  owned_by: z.string(),
  stats: z.strictObject({}),
  backend: z.string(),
  capabilities: z.array(z.string()),
});

const modelsReply = z.strictObject({ object: z.literal("list"), data: z.array(servedModel) });

function modelsRoutes(scope: FastifyInstance, { manifest }: RouteContext): void {
  const model: z.output<typeof servedModel> = {
    id: manifest.name,
    object: "model",
    created: Math.floor(Date.now() / 1000),
    owned_by: "infinity", // Infinity's generated client fails at any other owner; no other client minds.
    stats: {},
    backend: "onnxruntime",
    capabilities: ["embed", "image_embed"],
  };
  const schema = { summary: "The served model", tags: ["openai"], response: { 200: modelsReply } };
  for (const path of ["/v1/models", "/models"]) {
    scope.get(path, { schema }, async () => ({ object: "list", data: [model] }));
  }
}

/** Serves NVIDIA NIM's health checks. */
function healthRoutes(scope: FastifyInstance): void {
  const health = z.strictObject({ object: z.literal("health.response"), message: z.string() });
  const schema = { tags: ["health"], response: { 200: health, 503: health } };
  const options = { schema, config: { keyless: true, quiet: true } } as const;
  const answer = (message: string) => ({ object: "health.response", message });
  scope.get("/v1/health/live", options, async () => answer("Service is live."));
  scope.get("/v1/health/ready", options, async (_request, reply) => {
    return scope.draining ? reply.code(503).send(answer("Service is not ready.")) : answer("Service is ready.");
  });
}
