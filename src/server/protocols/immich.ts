import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { imageSize } from "../../encoder/image-size.ts";
import { EncoderError } from "../../errors.ts";
import { readForms } from "../image-bodies.ts";
import type { Form } from "../multipart.ts";
import type { Protocol } from "../protocol.ts";
import type { RouteContext } from "../route-context.ts";
import { type Piece, sendVectors } from "../vector-stream.ts";

/** Speaks as Immich's machine learning service does, as far as its smart search needs it. */
export const immich: Protocol = {
  name: "immich",
  answer: ({ status, message }) => ({ status, body: { detail: message } }),
  failure: z.strictObject({ detail: z.string() }),
  routes(scope, context) {
    predictRoute(scope, context);
    pingRoute(scope);
  },
};

const model = z.object({ modelName: z.string() });
const entries = z.strictObject({
  clip: z.union([z.strictObject({ visual: model }), z.strictObject({ textual: model })]),
});

const predictForm = z.any().meta({
  type: "object",
  properties: {
    entries: { type: "string", description: '`{"clip":{"visual":{"modelName":"…"}}}`, or `textual` in its place' },
    image: { type: "string", contentMediaType: "application/octet-stream" },
    text: { type: "string" },
  },
  required: ["entries"],
});

const predictReply = z.strictObject({
  clip: z.string().describe("A vector of unit length, as a string that holds a JSON array"),
  imageHeight: z.int().optional(),
  imageWidth: z.int().optional(),
});

function predictRoute(scope: FastifyInstance, { limits, checkModel, readItems, encode }: RouteContext): void {
  readForms(scope, limits, limits.maxTextBytes);
  const schema = {
    summary: "A vector of an image or a text, for Immich's smart search",
    tags: ["immich"],
    body: { content: { "multipart/form-data": { schema: predictForm } } },
    response: { 200: predictReply },
  };
  scope.post<{ Body: Form }>("/predict", { schema, config: { work: true } }, async (request, reply) => {
    // A body of JSON comes here too, whatever its shape: only a form has a Map.
    if (!(request.body?.fields instanceof Map)) throw refusal("The request must be a form.");
    const { files, fields } = request.body;
    const { clip } = parseEntries(fields.get("entries"));
    checkModel("visual" in clip ? clip.visual.modelName : clip.textual.modelName);
    const given = "visual" in clip ? files[0] : fields.get("text");
    if (given === undefined) throw refusal("A form with visual holds the file `image`, with textual the field `text`.");
    const source = typeof given === "string" ? { text: given } : { bytes: given };
    const items = await readItems(request, [source], { noun: "item" });
    const { embeddings } = await encode({ request, reply }, items);
    const size = typeof given === "string" ? undefined : imageSize(given);
    return sendVectors(reply, frame(embeddings[0]!, size));
  });
}

function* frame(embedding: Float32Array, size: { width: number; height: number } | undefined): Generator<Piece> {
  yield '{"clip":"';
  yield embedding;
  yield size ? `","imageHeight":${size.height},"imageWidth":${size.width}}` : '"}';
}

function parseEntries(text = ""): z.output<typeof entries> {
  try {
    return entries.parse(JSON.parse(text));
  } catch {
    throw refusal('entries: expected {"clip":{"visual":{"modelName":"…"}}} or the same with textual; nothing else.');
  }
}

function refusal(message: string): EncoderError {
  return new EncoderError("INVALID_REQUEST", message);
}

function pingRoute(scope: FastifyInstance): void {
  const schema = {
    tags: ["health"],
    response: { 200: { content: { "text/plain": { schema: z.literal("pong") } } } },
  };
  scope.get("/ping", { schema, config: { keyless: true, quiet: true } }, async (_request, reply) => {
    return reply.type("text/plain; charset=utf-8").send("pong");
  });
}
