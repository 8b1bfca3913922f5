import type { FastifyInstance } from "fastify";
import type { admissionSettings } from "../config/server.ts";
import type { ValuesOf } from "../config/setting.ts";
import { EncoderError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { onceOver } from "./once-over.ts";

export interface Admission {
  /** Counts bytes of its body as they arrive. @throws EncoderError OVERLOADED */
  take(bytes: number): void;
}

export interface AdmissionOptions extends ValuesOf<typeof admissionSettings> {
  /** A client may take this long to read its answer. */
  readTimeoutMs: number;
  metrics: Metrics;
}

/**
 * Lets requests of routes that work the encoder in, or refuses them, before their bodies are read: requests in flight and
 * the bytes of their bodies are bounded, so that memory stays bounded under any load. The bytes that a request declares
 * are checked but not reserved: whoever only announces a large body must not keep others out.
 */
export function admitWork(app: FastifyInstance, options: AdmissionOptions): void {
  const { maxInFlightRequests, maxInFlightBytes, readTimeoutMs, metrics } = options;
  let requests = 0;
  let bytes = 0;
  const count = (moreRequests: number, moreBytes: number) => {
    requests += moreRequests;
    bytes += moreBytes;
    metrics.requestsInFlight.set(requests);
    metrics.bodyBytesInFlight.set(bytes);
  };
  /** A request that is alone always fits, so that MAX_BODY_BYTES keeps its word. */
  const check = (moreBytes: number, others: number) => {
    if (others > 0 && bytes + moreBytes > maxInFlightBytes) throw overloaded("request bodies");
  };

  app.addHook("onRequest", async (request, reply) => {
    if (!request.routeOptions.config.work) return;
    if (requests >= maxInFlightRequests) throw overloaded("requests");
    check(Number(request.headers["content-length"] ?? 0), requests);
    count(1, 0);
    let own = 0;
    request.admission = {
      take(more) {
        check(more, requests - 1);
        count(0, more);
        own += more;
      },
    };
    onceOver(reply, () => count(-1, -own));
  });
  // An answer that is read byte by byte is never silent, and would keep its place for ever.
  app.addHook("onSend", async (request, reply) => {
    if (!request.admission) return;
    const timer = setTimeout(() => request.raw.socket.destroy(), readTimeoutMs);
    onceOver(reply, () => clearTimeout(timer));
  });
}

/** The client may try again in a second, since a place is free as soon as any of the many requests is answered. */
function overloaded(what: string): EncoderError {
  return new EncoderError("OVERLOADED", `The service holds as many ${what} as it may; try again shortly.`);
}
