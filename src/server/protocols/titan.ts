import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { exactlyOne, some, withDimensions } from "../documented.ts";
import type { Protocol } from "../protocol.ts";
import type { RouteContext } from "../route-context.ts";
import { sendVectors } from "../vector-stream.ts";
import { requireDimensions } from "./dimensions.ts";
import { oneSource } from "./one-source.ts";

/** Speaks as Amazon Titan Multimodal Embeddings, as OpenSearch's text_image_embedding processor asks for it. */
export const titan: Protocol = {
  name: "titan",
  answer: ({ status, message }) => ({ status, body: { message } }),
  failure: z.strictObject({ message: z.string() }),
  routes: invokeRoute,
};

const embeddingConfig = z.object({ outputEmbeddingLength: z.int().nullish() });

const invokeBody = z
  .object({
    inputText: z.string().nullish(),
    inputImage: z.string().nullish().describe("Base64"),
    embeddingConfig: embeddingConfig.nullish(),
    // Titan's model for texts alone has these.
    dimensions: z.int().nullish(),
    normalize: z.literal(true, "expected true; vectors have unit length").nullish(),
    embeddingTypes: some(z.enum(["float"], "expected float; other kinds of vectors are not made")).nullish(),
  })
  .describe("Exactly one of inputText and inputImage")
  .meta({
    ...exactlyOne(["inputText", "inputImage"], [null, ""]),
    examples: [{ inputText: "a red bicycle", inputImage: null }],
  });

const invokeReply = z.strictObject({ embedding: z.array(z.number()), inputTextTokenCount: z.int() });

function invokeRoute(scope: FastifyInstance, { manifest, readItems, encode }: RouteContext): void {
  const schema = {
    summary: "A vector of a text or an image, as Titan gives it",
    tags: ["titan"],
    body: invokeBody
      .extend({
        embeddingConfig: withDimensions(embeddingConfig, "outputEmbeddingLength", manifest.dimensions).nullish(),
      })
      .meta({ ...invokeBody.meta() }),
    response: { 200: invokeReply },
  };
  const options = { schema, config: { work: true } } as const;
  scope.withTypeProvider<ZodTypeProvider>().post("/invoke", options, async (request, reply) => {
    const { inputText: text, inputImage: image, embeddingConfig, dimensions } = request.body;
    requireDimensions(embeddingConfig?.outputEmbeddingLength ?? dimensions, manifest);
    const source = oneSource({ texts: text ? [text] : [], images: image ? [image] : [], name: "The request" });
    const items = await readItems(request, [source], { noun: "item" });
    const { embeddings, tokens } = await encode({ request, reply }, items);
    return sendVectors(reply, ['{"embedding":', embeddings[0]!, `,"inputTextTokenCount":${tokens}}`]);
  });
}
