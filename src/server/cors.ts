import type { FastifyInstance } from "fastify";

const exposedHeaders = [
  ...["retry-after", "server-timing", "x-model", "x-request-id"],
  ...["x-truncated", "x-unknown-tokens", "x-image-incomplete"],
  // those of TEI:
  ...["x-compute-tokens", "x-compute-time", "x-total-time", "x-tokenization-time", "x-queue-time", "x-inference-time"],
].join(", ");

/** Any page's request may have these. */
const usualHeaders = "content-type, authorization, x-api-key, x-request-id";

/** Lets web pages of `origins` call this service, and answers their browsers' preflight requests. */
export function allowOrigins(app: FastifyInstance, origins: string[]): void {
  if (origins.length === 0) return;
  app.addHook("onRequest", async (request, reply) => {
    const { origin } = request.headers;
    reply.header("vary", "origin");
    if (origin === undefined || !(origins.includes("*") || origins.includes(origin))) return;
    reply.header("access-control-allow-origin", origins.includes("*") ? "*" : origin);
    reply.header("access-control-expose-headers", exposedHeaders);
    if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined) return;
    reply.header("access-control-allow-methods", "GET, POST");
    // SDKs send headers of their own, such as x-stainless-lang.
    const asked = request.headers["access-control-request-headers"];
    reply.header("access-control-allow-headers", asked ?? usualHeaders);
    reply.header("access-control-max-age", "600");
    return reply.code(204).send();
  });
}
