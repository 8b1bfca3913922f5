import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Encoder } from "../../encoder/contract.ts";
import type { Metrics } from "../../metrics.ts";

/** Serves GET /metrics, in Prometheus' text format. */
export function metricsRoute(
  app: FastifyInstance,
  { encoder, metrics, version }: { encoder: Pick<Encoder, "manifest" | "device">; metrics: Metrics; version: string },
): void {
  const { name, dimensions, image, text } = encoder.manifest;
  const { registry, modelInfo, deviceInfo } = metrics;
  const labels = { model: name, dimensions, image_precision: image.precision, text_precision: text.precision, version };
  modelInfo.set(labels, 1);
  deviceInfo.set(encoder.device, 1);
  const exposition = {
    description: "Metrics in the Prometheus text format",
    content: { "text/plain": { schema: z.string() } },
  };
  const schema = { summary: "Metrics for Prometheus", tags: ["operations"], response: { 200: exposition } };
  app.get("/metrics", { schema, config: { quiet: true } }, async (_request, reply) => {
    return reply.header("content-type", registry.contentType).send(await registry.metrics());
  });
}
