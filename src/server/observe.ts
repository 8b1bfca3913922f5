import type { FastifyInstance } from "fastify";
import type { Metrics } from "../metrics.ts";
import { onceOver } from "./once-over.ts";

/** One metric and one log line per request, when its answer is out or its client gone. Neither holds what was sent. */
export function observeRequests(app: FastifyInstance, metrics: Metrics): void {
  app.addHook("onRequest", async (request, reply) => {
    const startedAt = performance.now();
    onceOver(reply, () => {
      const { method, errorCode: code } = request;
      const route = request.routeOptions.url ?? "unknown";
      const status = reply.raw.writableEnded ? reply.statusCode : 499;
      const ms = Math.round((performance.now() - startedAt) * 10) / 10;
      metrics.requests.inc({ route, method, status });
      metrics.requestSeconds.observe({ route }, ms / 1000);
      const level = route.startsWith("/health") || route === "/metrics" ? "debug" : "info";
      request.log[level]({ method, route, status, ms, code, client: request.ip }, "request");
    });
  });
}
