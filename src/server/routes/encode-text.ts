import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import { EncoderError } from "../../errors.ts";
import type { ServerContext } from "../context.ts";
import { sendEncoding } from "../encode-reply.ts";
import { checkTexts } from "../limits.ts";
import { requestLimits } from "../request-limits.ts";
import { encodeReply, encodeTextBody } from "../schemas.ts";

/** POST /encode_text */
export function encodeTextRoute(app: FastifyInstance, { encoder, config, metrics }: ServerContext): void {
  const schema = {
    summary: "Vectors of texts",
    tags: ["encode"],
    body: encodeTextBody,
    response: { 200: encodeReply },
  };
  app.withTypeProvider<ZodTypeProvider>().post("/encode_text", { schema }, async (request, reply) => {
    const { texts, isSingle } = textsOf(request.body);
    if (!isSingle) request.batchField = "texts";
    checkTexts(texts, config);
    const normalize = request.body.normalize ?? true;
    const encoding = await encoder.encodeTexts(texts, {
      normalize,
      ...requestLimits(reply, config.requestTimeoutMs),
    });
    metrics.items.inc({ tower: "text" }, texts.length);
    metrics.truncated.inc(encoding.truncated);
    return sendEncoding(reply, { encoding, dimensions: encoder.manifest.dimensions, isSingle });
  });
}

function textsOf({ text, texts }: z.output<typeof encodeTextBody>): { texts: string[]; isSingle: boolean } {
  if (text != null && texts == null) return { texts: [text], isSingle: true };
  if (texts != null && text == null) return { texts, isSingle: false };
  const found = text == null ? "neither" : "both";
  throw new EncoderError("INVALID_REQUEST", `Exactly one of text and texts is expected; the request has ${found}.`);
}
