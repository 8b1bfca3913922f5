import type { FastifyInstance } from "fastify";
import type { Metrics } from "../metrics.ts";
import { onceOver } from "./once-over.ts";

/** Counts and logs each request when its answer is out or its client has gone, without anything that was sent. */
export function observeRequests(app: FastifyInstance, metrics: Metrics): void {
  app.addHook("onRequest", async (request, reply) => {
    const startedAt = performance.now();
    onceOver(reply, () => {
      const { method, encoded, errorCode: code, routeOptions } = request;
      const route = routeOptions.url ?? "unknown";
      const protocol = routeOptions.config.protocol?.name ?? "native";
      const status = reply.raw.writableEnded ? reply.statusCode : 499;
      const ms = Math.round((performance.now() - startedAt) * 10) / 10;
      metrics.requests.inc({ route, method, status, protocol });
      metrics.requestSeconds.observe({ route }, ms / 1000);
      if (encoded?.text) metrics.items.inc({ tower: "text", protocol }, encoded.text);
      if (encoded?.image) metrics.items.inc({ tower: "image", protocol }, encoded.image);
      if (encoded?.truncated) metrics.truncated.inc(encoded.truncated);
      request.log[routeOptions.config.quiet ? "debug" : "info"](
        { method, route, status, ms, code, client: request.ip },
        "request",
      );
    });
  });
}
