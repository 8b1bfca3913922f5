import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { some, withDimensions } from "../documented.ts";
import type { Protocol } from "../protocol.ts";
import type { RouteContext } from "../route-context.ts";
import { pixel } from "../schemas.ts";
import { listed, type Piece, sendVectors } from "../vector-stream.ts";
import { requireWhole } from "./cutting.ts";
import { requireDimensions } from "./dimensions.ts";
import { oneSource } from "./one-source.ts";
import { openaiAnswer, openaiFailure } from "./openai-error.ts";

/** Speaks Voyage AI's multimodal embeddings. */
export const voyage: Protocol = {
  name: "voyage",
  answer: openaiAnswer,
  failure: openaiFailure,
  routes: multimodalRoute,
};

const part = z.object({
  type: z.enum(["text", "image_url", "image_base64"], "expected text, image_url or image_base64"),
  text: z.string().nullish(),
  image_url: z.string().nullish(),
  image_base64: z.string().nullish().describe("A data URI"),
});

const multimodalBody = z
  .object({
    inputs: some(z.object({ content: some(part) })),
    model: z.string().nullish(),
    output_encoding: z.enum(["base64"]).nullish(),
    output_dimension: z.int().nullish(),
    output_dtype: z.enum(["float"], "expected float; other kinds of numbers are not made").nullish(),
    truncation: z.boolean().nullish().describe("False refuses texts that are too long"),
  })
  .meta({
    examples: [
      { inputs: [{ content: [{ type: "text", text: "a red bicycle" }] }], input_type: "query" },
      { inputs: [{ content: [{ type: "image_base64", image_base64: `data:image/png;base64,${pixel}` }] }] },
    ],
  });

const multimodalReply = z.strictObject({
  object: z.literal("list"),
  data: z.array(
    z.strictObject({
      object: z.literal("embedding"),
      index: z.int(),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  model: z.string(),
  usage: z.strictObject({ text_tokens: z.int(), image_pixels: z.int(), video_pixels: z.int(), total_tokens: z.int() }),
});

function multimodalRoute(scope: FastifyInstance, { manifest, checkModel, readItems, encode }: RouteContext): void {
  const schema = {
    summary: "Vectors of texts and images, as Voyage gives them",
    tags: ["voyage"],
    body: withDimensions(multimodalBody, "output_dimension", manifest.dimensions),
    response: { 200: multimodalReply },
  };
  const options = { schema, config: { work: true } } as const;
  scope.withTypeProvider<ZodTypeProvider>().post("/v1/multimodalembeddings", options, async (request, reply) => {
    const { inputs, model, output_encoding: encoding, output_dimension: dimensions, truncation } = request.body;
    checkModel(model);
    requireDimensions(dimensions, manifest);
    const sources = inputs.map(({ content }, index) =>
      oneSource({
        texts: content.flatMap(({ text }) => text ?? []),
        images: content.flatMap(({ image_url: url, image_base64: b64 }) => url ?? b64 ?? []),
        name: `inputs[${index}]`,
      }),
    );
    const items = await readItems(request, sources, { noun: "input", field: "inputs" });
    const { embeddings, tokens, truncated } = await encode({ request, reply }, items);
    requireWhole(truncation, { truncated, maxTokens: manifest.text.maxTokens });
    return sendVectors(reply, frame(embeddings, { tokens, model: manifest.name }), encoding ?? "float");
  });
}

/** The number of pixels is what Voyage charges for; it costs nothing here. */
function* frame(
  embeddings: readonly Float32Array[],
  { tokens, model }: { tokens: number; model: string },
): Generator<Piece> {
  yield '{"object":"list","data":[';
  yield* listed(embeddings, (index) => [`{"object":"embedding","index":${index},"embedding":`, "}"]);
  const usage = { text_tokens: tokens, image_pixels: 0, video_pixels: 0, total_tokens: tokens };
  yield `],"model":${JSON.stringify(model)},"usage":${JSON.stringify(usage)}}`;
}
