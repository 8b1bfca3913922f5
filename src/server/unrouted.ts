import type { FastifyInstance } from "fastify";
import { EncoderError } from "../errors.ts";

const methods = ["GET", "HEAD", "POST"] as const;

/**
 * Answers unknown paths with 404, other methods of known ones with 405 and the methods they have, and OPTIONS with 204.
 * Answers before a body is read, since whatever is wrong with that comes second.
 */
export function answerUnrouted(app: FastifyInstance): void {
  const routes: { method: string; pattern: RegExp }[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    const pattern = new RegExp(`^${url.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/:\w+/g, "[^/]+")}$`);
    for (const one of [method].flat()) routes.push({ method: one, pattern });
  });
  app.addHook("onRequest", async (request, reply) => {
    if (!request.is404) return;
    const path = request.url.split("?", 1)[0]!;
    const allowed = methods.filter((it) => routes.some(({ method, pattern }) => method === it && pattern.test(path)));
    if (allowed.length === 0) throw new EncoderError("NOT_FOUND", "There is no such route.");
    const allow = [...allowed, "OPTIONS"].join(", ");
    reply.header("allow", allow);
    if (request.method === "OPTIONS") return reply.code(204).send();
    throw new EncoderError("METHOD_NOT_ALLOWED", `This route takes ${allow}.`);
  });
}
