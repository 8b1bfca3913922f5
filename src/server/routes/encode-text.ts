import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import { EncoderError } from "../../errors.ts";
import { requireAcceptable, sendEmbeddings } from "../embeddings.ts";
import type { RouteContext } from "../route-context.ts";
import { encodeReply, encodeTextBody, noQuery } from "../schemas.ts";

/** POST /encode_text */
export function encodeTextRoute(app: FastifyInstance, { readItems, encode }: RouteContext): void {
  const schema = {
    summary: "Vectors of texts",
    tags: ["encode"],
    querystring: noQuery,
    body: encodeTextBody,
    response: { 200: encodeReply },
  };
  const options = { schema, config: { work: true } } as const;
  app.withTypeProvider<ZodTypeProvider>().post("/encode_text", options, async (request, reply) => {
    const { normalize, encoding } = request.body;
    const { texts, isSingle } = textsOf(request.body);
    requireAcceptable(request, { isSingle });
    const sources = texts.map((text) => ({ text }));
    const items = await readItems(request, sources, { noun: "text", field: isSingle ? undefined : "texts" });
    const { embeddings } = await encode({ request, reply }, items, { normalize: normalize ?? true });
    return sendEmbeddings(reply, { embeddings, isSingle, encoding: encoding ?? "float" });
  });
}

function textsOf({ text, texts }: z.output<typeof encodeTextBody>): { texts: string[]; isSingle: boolean } {
  if (text != null && texts == null) return { texts: [text], isSingle: true };
  if (texts != null && text == null) return { texts, isSingle: false };
  const found = text == null ? "neither" : "both";
  throw new EncoderError("INVALID_REQUEST", `Exactly one of text and texts is expected; the request has ${found}.`);
}
