import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Metrics } from "../../metrics.ts";
import type { Manifest } from "../../model/manifest.ts";

/** Serves GET /metrics, in Prometheus' text format. */
export function metricsRoute(
  app: FastifyInstance,
  { manifest, metrics, version }: { manifest: Manifest; metrics: Metrics; version: string },
): void {
  const { name, dimensions, image, text } = manifest;
  const { registry, modelInfo } = metrics;
  const labels = { model: name, dimensions, image_precision: image.precision, text_precision: text.precision, version };
  modelInfo.set(labels, 1);
  const exposition = {
    description: "Metrics in the Prometheus text format",
    content: { "text/plain": { schema: z.string() } },
  };
  const schema = { summary: "Metrics for Prometheus", tags: ["operations"], response: { 200: exposition } };
  app.get("/metrics", { schema, config: { quiet: true } }, async (_request, reply) => {
    return reply.header("content-type", registry.contentType).send(await registry.metrics());
  });
}
