import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { accessSettings } from "../config/server.ts";
import type { ValuesOf } from "../config/setting.ts";
import { unauthorized } from "../errors.ts";
import { clientAt, createRateLimit } from "./rate-limit.ts";

/**
 * Asks every request for a key, unless its route is keyless, and bounds the rate of each client, if the settings say
 * so. A client whose key comes in the body counts by its address.
 */
export function guardAccess(app: FastifyInstance, settings: ValuesOf<typeof accessSettings>): void {
  const digests = settings.apiKeys.map((key) => digestOf(Buffer.from(key)));
  const limit = settings.rateLimit > 0 ? createRateLimit(settings) : undefined;
  if (digests.length === 0 && !limit) return;

  app.addHook("onRequest", async (request: FastifyRequest) => {
    const { keyless, keyInRequest } = request.routeOptions.config;
    if (keyless) return;
    const given = keyInHeaders(request) ?? (keyInRequest && keyIn(request.query));
    const key = matching(digests, given);
    limit?.(key === undefined ? clientAt(request.ip) : `key ${key}`);
    if (digests.length === 0 || key !== undefined) return;
    request.awaitsKey = given === undefined && keyInRequest === true;
    if (!request.awaitsKey) throw unauthorized();
  });
  app.addHook("preValidation", async (request: FastifyRequest) => {
    if (request.awaitsKey && matching(digests, keyIn(request.body)) === undefined) throw unauthorized();
  });
}

const digestOf = (key: Buffer) => createHash("sha256").update(key).digest();

/** Gives the bytes as they came, of which Node makes a character each. */
function keyInHeaders({ headers }: FastifyRequest): Buffer | undefined {
  const header = headers["x-api-key"];
  const given = typeof header === "string" ? header : /^bearer +(.+)$/i.exec(headers.authorization ?? "")?.[1];
  return given === undefined ? undefined : Buffer.from(given, "latin1");
}

/** @param fields of a query or a body, in which nothing is checked yet */
function keyIn(fields: unknown): Buffer | undefined {
  const key = typeof fields === "object" && fields !== null && "api_key" in fields ? fields.api_key : undefined;
  return typeof key === "string" ? Buffer.from(key) : undefined;
}

/** Finds a known key. Digests have one length, and all are compared, so that time tells nothing. */
function matching(digests: Buffer[], key: Buffer | undefined): number | undefined {
  if (key === undefined) return undefined;
  const digest = digestOf(key);
  const matches = digests.map((known) => timingSafeEqual(known, digest));
  const index = matches.indexOf(true);
  return index === -1 ? undefined : index;
}
