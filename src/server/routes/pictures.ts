import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { EncoderError } from "../../errors.ts";
import type { Pictures } from "../../search/pictures.ts";
import { startDeadline } from "../deadline.ts";
import { hasEtag } from "../etag.ts";
import { pictureParams, pictureQuery, pictureReply } from "../schemas.ts";

/** Serves GET /pictures/:id: a small picture of an indexed one, always encoded anew. */
export function pictureRoute(app: FastifyInstance, pictures: Pictures, requestTimeoutMs: number): void {
  const schema = {
    summary: "A picture of the index, as a WebP of at most `width` pixels",
    tags: ["search"],
    params: pictureParams,
    querystring: pictureQuery,
    response: { 200: pictureReply, 304: pictureReply },
  };
  const options = { schema, config: { work: true } } as const;
  app.withTypeProvider<ZodTypeProvider>().get("/pictures/:id", options, async (request, reply) => {
    const { signal } = startDeadline(reply, requestTimeoutMs);
    const picture = await pictures.read(request.params.id, { width: Number(request.query.width), signal });
    if (!picture)
      throw new EncoderError("NOT_FOUND", "There is no such picture, or it has changed since it was indexed.");
    reply.header("etag", picture.etag).header("cache-control", "private, max-age=3600");
    if (hasEtag(request, picture.etag)) return reply.code(304).send();
    return reply.type("image/webp").send(Buffer.from(picture.bytes));
  });
}
