import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import { EncoderError } from "../../errors.ts";
import { sendEmbeddings } from "../embeddings.ts";
import type { RouteContext } from "../route-context.ts";
import { encodeReply, encodeTextBody } from "../schemas.ts";

/** POST /encode_text */
export function encodeTextRoute(app: FastifyInstance, { readItems, encode }: RouteContext): void {
  const schema = {
    summary: "Vectors of texts",
    tags: ["encode"],
    body: encodeTextBody,
    response: { 200: encodeReply },
  };
  const options = { schema, config: { work: true } } as const;
  app.withTypeProvider<ZodTypeProvider>().post("/encode_text", options, async (request, reply) => {
    const { texts, isSingle, normalize } = textsOf(request.body);
    const sources = texts.map((text) => ({ text }));
    const items = await readItems(request, sources, { noun: "text", field: isSingle ? undefined : "texts" });
    const { embeddings } = await encode({ request, reply }, items, { normalize });
    return sendEmbeddings(reply, { embeddings, isSingle });
  });
}

function textsOf({ text, texts, normalize }: z.output<typeof encodeTextBody>) {
  if (text != null && texts == null) return { texts: [text], isSingle: true, normalize: normalize ?? true };
  if (texts != null && text == null) return { texts, isSingle: false, normalize: normalize ?? true };
  const found = text == null ? "neither" : "both";
  throw new EncoderError("INVALID_REQUEST", `Exactly one of text and texts is expected; the request has ${found}.`);
}
