import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import { EncoderError } from "../../errors.ts";
import { answerEmbeddings } from "../embeddings.ts";
import type { RouteContext } from "../route-context.ts";
import { encodeReply, encodeTextBody, noQuery } from "../schemas.ts";

export function encodeTextRoute(app: FastifyInstance, context: RouteContext): void {
  const schema = {
    summary: "Vectors of texts",
    tags: ["encode"],
    querystring: noQuery,
    body: encodeTextBody,
    response: { 200: encodeReply },
  };
  const options = { schema, config: { work: true } } as const;
  app.withTypeProvider<ZodTypeProvider>().post("/encode_text", options, async (request, reply) => {
    const { normalize, encoding, on_error: onError } = request.body;
    const { texts, isSingle } = textsOf(request.body);
    return answerEmbeddings(context, {
      ...{ request, reply },
      ...{ sources: texts.map((text) => ({ text })), noun: "text", field: isSingle ? undefined : "texts" },
      ...{ normalize: normalize ?? true, encoding: encoding ?? "float", onError: onError ?? undefined },
    });
  });
}

function textsOf({ text, texts }: z.output<typeof encodeTextBody>): { texts: string[]; isSingle: boolean } {
  if (text != null && texts == null) return { texts: [text], isSingle: true };
  if (texts != null && text == null) return { texts, isSingle: false };
  const found = text == null ? "neither" : "both";
  throw new EncoderError("INVALID_REQUEST", `Exactly one of text and texts is expected; the request has ${found}.`);
}
