import type { FastifyBaseLogger } from "fastify";
import type { Config } from "../config.ts";
import type { Encoder } from "../encoder.ts";
import type { Metrics } from "../metrics.ts";

/** What the routes work with. */
export interface ServerContext {
  encoder: Encoder;
  config: Config;
  metrics: Metrics;
  /** Of this package, for GET /info and the API document. */
  version: string;
  logger?: FastifyBaseLogger;
}
