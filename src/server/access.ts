import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ServiceConfig } from "../config/service.ts";
import { EncoderError } from "../errors.ts";
import { clientAt, createRateLimit } from "./rate-limit.ts";

/** Asks every request but health checks for a key, and bounds the rate of each client, where the settings say so. */
export function guardAccess(app: FastifyInstance, config: ServiceConfig): void {
  const digests = config.apiKeys.map(digestOf);
  const limit = config.rateLimit > 0 ? createRateLimit(config) : undefined;
  if (digests.length === 0 && !limit) return;

  app.addHook("onRequest", async (request) => {
    if (isHealthCheck(request)) return;
    const key = matchingKey(digests, request);
    limit?.(key === undefined ? clientAt(request.ip) : `key ${key}`);
    if (digests.length > 0 && key === undefined) {
      const message = "A valid API key is required, as `authorization: Bearer KEY` or `x-api-key: KEY`.";
      throw new EncoderError("UNAUTHORIZED", message);
    }
  });
}

function isHealthCheck({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.url === "/health" || routeOptions.url?.startsWith("/health/") === true;
}

const digestOf = (key: string | Buffer) => createHash("sha256").update(key).digest();

/** Which key the request carries. Digests have one length, and all are compared, so that time tells nothing. */
function matchingKey(digests: Buffer[], { headers }: FastifyRequest): number | undefined {
  const header = headers["x-api-key"];
  const given = typeof header === "string" ? header : /^bearer +(.+)$/i.exec(headers.authorization ?? "")?.[1];
  if (given === undefined) return undefined;
  const digest = digestOf(Buffer.from(given, "latin1")); // as it came: Node reads headers byte by character
  const matches = digests.map((known) => timingSafeEqual(known, digest));
  const index = matches.indexOf(true);
  return index === -1 ? undefined : index;
}
