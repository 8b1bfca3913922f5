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
  const isHealthy = healthProbe(options);
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

/** Runs one probe at a time however many ask, and for itself: a caller that goes away must not make the others fail. */
function healthProbe({ encoder, healthMaxAgeMs, healthTimeoutMs }: HealthOptions): () => Promise<boolean> {
  let running: Promise<boolean> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;

  async function probe(): Promise<boolean> {
    const signal = AbortSignal.timeout(healthTimeoutMs);
    const timeout = new Promise<boolean>((resolve) => {
      signal.addEventListener("abort", () => resolve(false), { once: true });
    });
    const answer = encoder.isHealthy({ maxAgeMs: healthMaxAgeMs, signal }).catch(() => false);
    const isHealthy = await Promise.race([answer, timeout]);
    if (!isHealthy) failedAt = performance.now();
    return isHealthy;
  }

  return async () => {
    if (performance.now() - failedAt < failureMaxAgeMs) return false;
    running ??= probe().finally(() => {
      running = undefined;
    });
    return running;
  };
}
