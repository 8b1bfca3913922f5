import type { FastifyInstance } from "fastify";
import { EncoderError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { sendError } from "./error-reply.ts";

const methods = ["GET", "HEAD", "POST"] as const;

/** Unknown paths get 404; known ones 405 with the methods they have, and OPTIONS an answer. */
export function answerUnrouted(app: FastifyInstance, metrics: Metrics): void {
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?", 1)[0]!;
    const allowed = methods.filter((method) => app.hasRoute({ method, url: path }));
    if (allowed.length === 0) {
      const error = new EncoderError("NOT_FOUND", "There is no such route.");
      return sendError(error, { request, reply, metrics });
    }
    const allow = [...allowed, "OPTIONS"].join(", ");
    reply.header("allow", allow);
    if (request.method === "OPTIONS") return reply.code(204).send();
    const error = new EncoderError("METHOD_NOT_ALLOWED", `This route takes ${allow}.`);
    return sendError(error, { request, reply, metrics });
  });
}
