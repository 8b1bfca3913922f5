import type { FastifyInstance } from "fastify";
import type { ServerContext } from "../context.ts";

/** GET /metrics, in Prometheus' text format. */
export function metricsRoute(app: FastifyInstance, { encoder, metrics, version }: ServerContext): void {
  const { name, dimensions, image, text } = encoder.manifest;
  const { registry, modelInfo } = metrics;
  const labels = { model: name, dimensions, image_precision: image.precision, text_precision: text.precision, version };
  modelInfo.set(labels, 1);
  const schema = { summary: "Metrics for Prometheus", tags: ["operations"] };
  app.get("/metrics", { schema }, async (_request, reply) => {
    return reply.header("content-type", registry.contentType).send(await registry.metrics());
  });
}
