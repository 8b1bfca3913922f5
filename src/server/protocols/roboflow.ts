import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { cosines } from "../../encoder/rank.ts";
import { EncoderError } from "../../errors.ts";
import { some, someText } from "../documented.ts";
import type { Source } from "../items.ts";
import type { Protocol } from "../protocol.ts";
import type { RouteContext } from "../route-context.ts";
import { pixel } from "../schemas.ts";
import { listed, type Piece, sendVectors } from "../vector-stream.ts";
import { faultStatus } from "./fault-status.ts";

/** Roboflow Inference's CLIP routes, which Chroma's Roboflow function and inference-sdk call. */
export const roboflow: Protocol = {
  name: "roboflow",
  answer: (error) => ({ status: faultStatus(error), body: { message: error.message } }),
  failure: z.strictObject({ message: z.string() }),
  routes(scope, context) {
    embedTextRoute(scope, context);
    embedImageRoute(scope, context);
    compareRoute(scope, context);
  },
};

/** Types are listed in the document alone: checked here, a numpy image would pass for two named prompts. */
const imageType = z.string().meta({ enum: ["url", "base64"] });
const image = z.object({ type: imageType, value: z.string() });

/** The fields that every request may have. */
const common = {
  clip_version_id: z.string().nullish().describe("The served model's name, or nothing"),
  api_key: z.string().nullish().describe("A key, where neither a header nor the query has one"),
};

/** The key may stand in the URL, since the clients of this protocol have no other way. */
const querystring = z.object({ api_key: z.string().optional() });
const config = { work: true, keyInRequest: true } as const;
const tags = ["roboflow"];

const embedReply = z.strictObject({
  frame_id: z.null().describe("Of a video; inference-sdk fails without it"),
  embeddings: z.array(z.array(z.number())),
  time: z.number().describe("Seconds"),
});

const embedTextBody = z
  .object({ ...common, text: z.union([someText, some(someText)]) })
  .meta({ examples: [{ text: ["a dog", "un chien"] }] });

function embedTextRoute(scope: FastifyInstance, context: RouteContext): void {
  const summary = "Raw vectors of texts, as Roboflow Inference gives them";
  const schema = { summary, tags, querystring, body: embedTextBody, response: { 200: embedReply } };
  scope.withTypeProvider<ZodTypeProvider>().post("/clip/embed_text", { schema, config }, async (request, reply) => {
    const startedAt = performance.now();
    const { text, clip_version_id: version } = request.body;
    context.checkModel(version);
    const texts = [text].flat().map((text) => ({ text }));
    const items = await context.readItems(request, texts, { noun: "text", field: "text" });
    const { embeddings } = await context.encode({ request, reply }, items, { normalize: false });
    return sendVectors(reply, frame(embeddings, startedAt));
  });
}

const embedImageBody = z
  .object({ ...common, image: z.union([image, some(image)]) })
  .meta({ examples: [{ image: { type: "base64", value: pixel } }] });

function embedImageRoute(scope: FastifyInstance, context: RouteContext): void {
  const summary = "Raw vectors of images, as Roboflow Inference gives them";
  const schema = { summary, tags, querystring, body: embedImageBody, response: { 200: embedReply } };
  scope.withTypeProvider<ZodTypeProvider>().post("/clip/embed_image", { schema, config }, async (request, reply) => {
    const startedAt = performance.now();
    const { image, clip_version_id: version } = request.body;
    context.checkModel(version);
    const items = await context.readItems(request, [image].flat().map(imageSource), { noun: "image", field: "image" });
    const { embeddings } = await context.encode({ request, reply }, items, { normalize: false });
    return sendVectors(reply, frame(embeddings, startedAt));
  });
}

function* frame(embeddings: readonly Float32Array[], startedAt: number): Generator<Piece> {
  yield '{"frame_id":null,"embeddings":[';
  yield* listed(embeddings);
  yield `],"time":${secondsSince(startedAt)}}`;
}

const item = z.union([z.string(), image]);
const kind = z.enum(["image", "text"]).nullish();

const compareBody = z
  .object({
    ...common,
    subject: item,
    subject_type: kind.describe("image by default"),
    prompt: z.union([item, z.array(item), z.record(z.string(), item)]),
    prompt_type: kind.describe("text by default"),
  })
  .meta({ examples: [{ subject: { type: "base64", value: pixel }, prompt: { dot: "a blue dot", dog: "a dog" } }] });

const compareReply = z.strictObject({
  similarity: z
    .union([z.array(z.number()), z.record(z.string(), z.number())])
    .describe("As the prompt: a list, or named"),
  time: z.number().describe("Seconds"),
});

function compareRoute(scope: FastifyInstance, context: RouteContext): void {
  const summary = "Cosines of a subject with prompts, as Roboflow Inference gives them";
  const schema = { summary, tags, querystring, body: compareBody, response: { 200: compareReply } };
  scope.withTypeProvider<ZodTypeProvider>().post("/clip/compare", { schema, config }, async (request, reply) => {
    const startedAt = performance.now();
    const { subject, subject_type: subjectKind, prompt, prompt_type: promptKind } = request.body;
    context.checkModel(request.body.clip_version_id);
    const { names, prompts } = promptsOf(prompt);
    if (prompts.length === 0) throw new EncoderError("INVALID_REQUEST", "The request holds no prompt.");
    const field = (index: number) => (index === 0 ? "subject" : `prompt[${names?.[index - 1] ?? index - 1}]`);
    const sources = [subject, ...prompts].map((item, index) =>
      sourceOf(item, { kind: index === 0 ? (subjectKind ?? "image") : (promptKind ?? "text"), name: field(index) }),
    );
    const items = await context.readItems(request, sources, { noun: "item", field });
    const { embeddings } = await context.encode({ request, reply }, items);
    const [first, ...others] = embeddings;
    const similarity = [...cosines(first!, others)];
    const named = names && Object.fromEntries(similarity.map((cosine, index) => [names[index]!, cosine]));
    return { similarity: named ?? similarity, time: secondsSince(startedAt) };
  });
}

type ClipItem = z.output<typeof item>;

function promptsOf(prompt: z.output<typeof compareBody>["prompt"]): { names?: string[]; prompts: ClipItem[] } {
  if (Array.isArray(prompt)) return { prompts: prompt };
  const single = item.safeParse(prompt);
  if (single.success) return { prompts: [single.data] };
  const named = Object.entries(z.record(z.string(), item).parse(prompt));
  return { names: named.map(([name]) => name), prompts: named.map(([, prompt]) => prompt) };
}

/** Only the request says whether a string is a text, or a picture's URL or base64. */
function sourceOf(item: ClipItem, { kind, name }: { kind: "image" | "text"; name: string }): Source {
  if (kind === "image") return typeof item === "string" ? { either: item } : imageSource(item);
  if (typeof item === "string") return { text: item };
  throw new EncoderError("INVALID_REQUEST", `${name}: expected a text, since its type is text; received an image.`);
}

function imageSource({ type, value }: z.output<typeof image>): Source {
  if (type === "url") return { url: value };
  if (type === "base64") return { b64: value };
  const message = "An image's type is url or base64; what numpy's holds is pickled data, which is never read.";
  throw new EncoderError("INVALID_REQUEST", message);
}

const secondsSince = (startedAt: number) => Math.round(performance.now() - startedAt) / 1000;
