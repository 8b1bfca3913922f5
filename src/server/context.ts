import type { FastifyBaseLogger } from "fastify";
import type { ServiceConfig } from "../config/service.ts";
import type { Encoder } from "../encoder/encoder.ts";
import type { Metrics } from "../metrics.ts";

/** What the routes work with. */
export interface ServerContext {
  encoder: Encoder;
  config: ServiceConfig;
  metrics: Metrics;
  /** Of this package, for GET /info and the API document. */
  version: string;
  logger?: FastifyBaseLogger;
}
