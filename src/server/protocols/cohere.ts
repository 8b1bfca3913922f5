import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { EncoderError } from "../../errors.ts";
import { exactlyOne, some, someText, withDimensions } from "../documented.ts";
import type { Source } from "../items.ts";
import type { Protocol } from "../protocol.ts";
import type { RouteContext } from "../route-context.ts";
import { pixel } from "../schemas.ts";
import { listed, type Piece, sendVectors, vectorBase64 } from "../vector-stream.ts";
import { requireWhole, truncate } from "./cutting.ts";
import { requireDimensions } from "./dimensions.ts";
import { oneSource } from "./one-source.ts";

/** Speaks Cohere's version 2. */
export const cohere: Protocol = {
  name: "cohere",
  answer: ({ status, message }) => ({ status, body: { message } }),
  failure: z.strictObject({ message: z.string() }),
  routes: embedRoute,
};

const part = z.object({
  type: z.enum(["text", "image_url"], "expected text or image_url"),
  text: z.string().nullish(),
  image_url: z.object({ url: z.string() }).nullish(),
});

const embedBody = z
  .object({
    model: z.string().nullish(),
    texts: some(someText).nullish(),
    images: some(z.string()).nullish().describe("Data URIs"),
    inputs: some(z.object({ content: some(part) })).nullish(),
    embedding_types: z.array(z.enum(["float", "base64"])).nullish(),
    output_dimension: z.int().nullish(),
    truncate,
  })
  .describe("Exactly one of texts, images and inputs")
  .meta({
    ...exactlyOne(["texts", "images", "inputs"]),
    examples: [
      { texts: ["a red bicycle"], input_type: "search_query", embedding_types: ["float", "base64"] },
      { images: [`data:image/png;base64,${pixel}`] },
    ],
  });

const embedReply = z.strictObject({
  id: z.string(),
  embeddings: z.strictObject({
    float: z.array(z.array(z.number())).optional(),
    base64: z.array(z.string()).optional(),
  }),
  texts: z.array(z.string()).optional(),
  meta: z.strictObject({
    api_version: z.strictObject({ version: z.literal("2") }),
    billed_units: z.strictObject({ input_tokens: z.int() }),
  }),
  response_type: z.literal("embeddings_by_type"),
});

function embedRoute(scope: FastifyInstance, { manifest, checkModel, readItems, encode }: RouteContext): void {
  const schema = {
    summary: "Vectors of texts and images, as Cohere gives them",
    tags: ["cohere"],
    body: withDimensions(embedBody, "output_dimension", manifest.dimensions),
    response: { 200: embedReply },
  };
  const options = { schema, config: { work: true } } as const;
  scope.withTypeProvider<ZodTypeProvider>().post("/v2/embed", options, async (request, reply) => {
    const { model, texts, output_dimension: dimensions, embedding_types: types, truncate: cut } = request.body;
    checkModel(model);
    requireDimensions(dimensions, manifest);
    const { sources, field } = sourcesOf(request.body);
    const items = await readItems(request, sources, { noun: "item", field });
    const { embeddings, tokens, truncated } = await encode({ request, reply }, items);
    requireWhole(cut, { truncated, maxTokens: manifest.text.maxTokens });
    return sendVectors(reply, frame(embeddings, { types: types?.length ? types : ["float"], texts, tokens }));
  });
}

function sourcesOf({ texts, images, inputs }: z.output<typeof embedBody>): { sources: Source[]; field: string } {
  if ([texts, images, inputs].filter((given) => given != null).length !== 1) {
    throw new EncoderError("INVALID_REQUEST", "Exactly one of texts, images and inputs is expected.");
  }
  if (texts) return { sources: texts.map((text) => ({ text })), field: "texts" };
  if (images) return { sources: images.map((either) => ({ either })), field: "images" };
  const sources = inputs!.map(({ content }, index) =>
    oneSource({
      texts: content.flatMap(({ text }) => text ?? []),
      images: content.flatMap(({ image_url: image }) => image?.url ?? []),
      name: `inputs[${index}]`,
    }),
  );
  return { sources, field: "inputs" };
}

interface Answer {
  types: readonly ("float" | "base64")[];
  texts: readonly string[] | null | undefined;
  tokens: number;
}

function* frame(embeddings: readonly Float32Array[], { types, texts, tokens }: Answer): Generator<Piece> {
  yield `{"id":"${randomUUID()}","embeddings":{`;
  for (const [index, type] of [...new Set(types)].entries()) {
    yield `${index > 0 ? "," : ""}"${type}":[`;
    if (type === "float") yield* listed(embeddings);
    else yield embeddings.map((vector) => `"${vectorBase64(vector)}"`).join();
    yield "]";
  }
  const echo = texts ? `,"texts":${JSON.stringify(texts)}` : "";
  // The AI SDK fails without the number of tokens that Cohere would charge for.
  const meta = { api_version: { version: "2" }, billed_units: { input_tokens: tokens } };
  yield `}${echo},"meta":${JSON.stringify(meta)},"response_type":"embeddings_by_type"}`;
}
