import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { accessSettings } from "../config/server.ts";
import type { ValuesOf } from "../config/setting.ts";
import { EncoderError } from "../errors.ts";
import { clientAt, createRateLimit } from "./rate-limit.ts";

/**
 * Asks every request for a key, unless its route is keyless, and bounds the rate of each client, if the settings say
 * so.
 */
export function guardAccess(app: FastifyInstance, settings: ValuesOf<typeof accessSettings>): void {
  const digests = settings.apiKeys.map(digestOf);
  const limit = settings.rateLimit > 0 ? createRateLimit(settings) : undefined;
  if (digests.length === 0 && !limit) return;

  app.addHook("onRequest", async (request: FastifyRequest) => {
    if (request.routeOptions.config.keyless) return;
    const key = matchingKey(digests, request);
    limit?.(key === undefined ? clientAt(request.ip) : `key ${key}`);
    if (digests.length > 0 && key === undefined) {
      const message = "A valid API key is required, as `authorization: Bearer KEY` or `x-api-key: KEY`.";
      throw new EncoderError("UNAUTHORIZED", message);
    }
  });
}

const digestOf = (key: string | Buffer) => createHash("sha256").update(key).digest();

/**
 * Finds the key that the request carries. Digests have one length, and all are compared, so that time tells nothing.
 */
function matchingKey(digests: Buffer[], { headers }: FastifyRequest): number | undefined {
  const header = headers["x-api-key"];
  const given = typeof header === "string" ? header : /^bearer +(.+)$/i.exec(headers.authorization ?? "")?.[1];
  if (given === undefined) return undefined;
  const digest = digestOf(Buffer.from(given, "latin1")); // the bytes as they came: Node makes each a character
  const matches = digests.map((known) => timingSafeEqual(known, digest));
  const index = matches.indexOf(true);
  return index === -1 ? undefined : index;
}
