import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { EncoderError } from "../../errors.ts";
import { hasEtag } from "../etag.ts";
import { bytesOf, type PageFile, type PageFiles, tagOf } from "../page-files.ts";

/**
 * The page may load from its own origin and nowhere else, runs no inline code, and can be framed by no other page.
 * Pictures that a person drops are blobs. Trusted types keep text from becoming markup even where a mistake would let it.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types image-text-encoder",
].join("; ");

/** Serves GET / and the files that the page consists of. They hold nothing of the user, so they need no key. */
export function pageRoute(app: FastifyInstance, files: PageFiles): void {
  const schema = { hide: true };
  const page = {
    summary: "The page for people",
    tags: ["pages"],
    response: { 200: { content: { "text/html": { schema: z.string() } } }, 304: z.undefined() },
  };
  app.get("/", { schema: page, config: { keyless: true } }, async (request, reply) => {
    reply.header("content-security-policy", policy).header("referrer-policy", "no-referrer");
    return sendFile(request, reply, files.get("index.html"));
  });
  const config = { keyless: true, quiet: true } as const;
  for (const folder of ["assets", "gallery"]) {
    app.get<{ Params: { "*": string } }>(`/${folder}/*`, { schema, config }, async (request, reply) =>
      sendFile(request, reply, files.get(`${folder}/${request.params["*"]}`)),
    );
  }
  app.get("/icon.svg", { schema, config }, async (request, reply) => sendFile(request, reply, files.get("icon.svg")));
}

export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: PageFile | undefined,
): Promise<FastifyReply> {
  const etag = file && (await tagOf(file));
  if (etag && hasEtag(request, etag)) return describe(reply, file, etag).code(304).send();
  const takesGzip = /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
  const found = etag && (await bytesOf(file, { takesGzip }));
  if (!found) throw new EncoderError("NOT_FOUND", "The page has no such file.");
  describe(reply, file, etag);
  if (found.isGzip) reply.header("content-encoding", "gzip");
  return reply.send(found.bytes);
}

function describe(reply: FastifyReply, file: PageFile, etag: string): FastifyReply {
  if (file.gzipPath !== undefined) {
    reply.header("vary", [reply.getHeader("vary") ?? [], "accept-encoding"].flat().join(", "));
  }
  return reply
    .header("content-type", file.contentType)
    .header("etag", etag)
    .header("cache-control", file.hash === undefined ? "no-cache" : "public, max-age=31536000, immutable");
}
