import type { FastifyInstance } from "fastify";

const exposedHeaders = "x-model, x-truncated, x-request-id, server-timing, retry-after";

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
    reply.header("access-control-allow-headers", "content-type, authorization, x-api-key, x-request-id");
    reply.header("access-control-max-age", "600");
    return reply.code(204).send();
  });
}
