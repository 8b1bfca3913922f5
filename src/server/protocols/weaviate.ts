import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { someText } from "../documented.ts";
import type { Protocol } from "../protocol.ts";
import type { RouteContext } from "../route-context.ts";
import { pixel } from "../schemas.ts";
import { listed, type Piece, sendVectors } from "../vector-stream.ts";

/** Speaks as Weaviate's module multi2vec-clip expects its inference container to. */
export const weaviate: Protocol = {
  name: "weaviate",
  answer: ({ status, message }) => ({ status, body: { error: message } }),
  failure: z.strictObject({ error: z.string() }),
  routes(scope, context) {
    vectorizeRoute(scope, context);
    metaRoute(scope, context);
    healthRoutes(scope);
  },
};

const vectorizeBody = z
  .object({
    texts: z.array(someText).nullish(),
    images: z.array(z.string()).nullish().describe("Base64"),
  })
  .meta({
    examples: [
      { texts: ["a dog"], images: [pixel] },
      { texts: [], images: [] },
    ],
  });

const vectors = z.array(z.array(z.number()));
const vectorizeReply = z.strictObject({ textVectors: vectors, imageVectors: vectors });

/** The vectors are raw, since Weaviate mixes those of texts and images by weight. */
function vectorizeRoute(scope: FastifyInstance, { readItems, encode }: RouteContext): void {
  const schema = {
    summary: "Raw vectors of texts and images, for Weaviate's multi2vec-clip",
    tags: ["weaviate"],
    body: vectorizeBody,
    response: { 200: vectorizeReply },
  };
  const options = { schema, config: { work: true } } as const;
  scope.withTypeProvider<ZodTypeProvider>().post("/vectorize", options, async (request, reply) => {
    const texts = request.body.texts ?? [];
    const images = request.body.images ?? [];
    const count = texts.length;
    if (count + images.length === 0) return sendVectors(reply, frame([], []));
    const sources = [...texts.map((text) => ({ text })), ...images.map((b64) => ({ b64 }))];
    const field = (index: number) => (index < count ? `texts[${index}]` : `images[${index - count}]`);
    const items = await readItems(request, sources, { noun: "item", field });
    const { embeddings } = await encode({ request, reply }, items, { normalize: false });
    return sendVectors(reply, frame(embeddings.slice(0, count), embeddings.slice(count)));
  });
}

function* frame(texts: readonly Float32Array[], images: readonly Float32Array[]): Generator<Piece> {
  yield '{"textVectors":[';
  yield* listed(texts);
  yield '],"imageVectors":[';
  yield* listed(images);
  yield "]}";
}

function metaRoute(scope: FastifyInstance, { manifest }: RouteContext): void {
  const { name, dimensions, sources } = manifest;
  const tower = (which: "image" | "text") => ({ _name_or_path: sources[which].repository ?? name, dimensions });
  const answer = { clip_model: tower("image"), text_model: tower("text") };
  const reply = z.object({ clip_model: z.looseObject({}), text_model: z.looseObject({}) });
  const schema = { summary: "What is served, for Weaviate", tags: ["weaviate"], response: { 200: reply } };
  scope.get("/meta", { schema }, async () => answer);
}

function healthRoutes(scope: FastifyInstance): void {
  const schema = { tags: ["health"], response: { 204: z.undefined(), 503: z.undefined() } };
  const options = { schema, config: { keyless: true, quiet: true } } as const;
  scope.get("/.well-known/live", options, async (_request, reply) => reply.code(204).send());
  scope.get("/.well-known/ready", options, async (_request, reply) => reply.code(scope.draining ? 503 : 204).send());
}
