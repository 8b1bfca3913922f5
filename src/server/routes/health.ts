import type { FastifyInstance } from "fastify";
import type { healthSettings } from "../../config/server.ts";
import type { ValuesOf } from "../../config/setting.ts";
import type { Encoder } from "../../encoder/encoder.ts";
import { health } from "../schemas.ts";

/** A failed probe is repeated at most this often, so that asking costs nothing. */
const failureMaxAgeMs = 1000;

type HealthOptions = ValuesOf<typeof healthSettings> & { encoder: Encoder };

/**
 * Serves GET /health, which tells by real and recent inference whether vectors come out; GET /health/live, which tells
 * whether the process answers at all; and GET /health/ready, which tells whether it should get requests. None asks for
 * a key.
 */
export function healthRoutes(app: FastifyInstance, options: HealthOptions): void {
  const { encoder, healthMaxAgeMs: maxAgeMs, healthTimeoutMs } = options;
  let failedAt = Number.NEGATIVE_INFINITY;
  const isHealthy = async () => {
    if (performance.now() - failedAt < failureMaxAgeMs) return false;
    const signal = AbortSignal.timeout(healthTimeoutMs);
    const isWell = await encoder.isHealthy({ maxAgeMs, signal }).catch(() => false);
    if (!isWell) failedAt = performance.now();
    return isWell;
  };
  const schema = { tags: ["health"], response: { 200: health, 503: health } };
  const healthy = { status: "healthy" };
  const unhealthy = { status: "unhealthy" };

  const about = (summary: string) => ({
    schema: { ...schema, summary },
    config: { keyless: true, quiet: true } as const,
  });
  app.get("/health", about("Whether both towers give vectors"), async (_request, reply) => {
    return (await isHealthy()) ? healthy : reply.code(503).send(unhealthy);
  });
  app.get("/health/live", about("Whether the process answers"), async () => healthy);
  app.get("/health/ready", about("Whether requests should be sent here"), async (_request, reply) => {
    return app.draining ? reply.code(503).send(unhealthy) : healthy;
  });
}
