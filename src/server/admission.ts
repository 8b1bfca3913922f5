import type { FastifyInstance } from "fastify";
import type { admissionSettings } from "../config/server.ts";
import type { ValuesOf } from "../config/setting.ts";
import { EncoderError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { onceOver } from "./once-over.ts";

export interface Admission {
  /** Counts bytes of its body as they arrive. @throws EncoderError OVERLOADED */
  take(bytes: number): void;
  leave(): void;
}

export interface AdmissionOptions extends ValuesOf<typeof admissionSettings> {
  /** A client may take this long to read its answer. */
  readTimeoutMs: number;
  metrics: Metrics;
}

/** Lets requests of routes that work the encoder in, or refuses them, before their bodies are read. */
export function admitWork(app: FastifyInstance, options: AdmissionOptions): void {
  const enter = createGate(options);
  app.addHook("onRequest", async (request, reply) => {
    if (!request.routeOptions.config.work) return;
    const admission = enter(Number(request.headers["content-length"] ?? 0));
    request.admission = admission;
    onceOver(reply, () => admission.leave());
  });
  // An answer that is read byte by byte is never silent, and would keep its place for ever.
  app.addHook("onSend", async (request, reply) => {
    if (!request.admission) return;
    const timer = setTimeout(() => request.raw.socket.destroy(), options.readTimeoutMs);
    onceOver(reply, () => clearTimeout(timer));
  });
}

/** Bounds the requests in flight and the bytes of their bodies, so that memory stays bounded under any load. */
function createGate({ maxInFlightRequests, maxInFlightBytes, metrics }: AdmissionOptions) {
  let requests = 0;
  let bytes = 0;

  /** Refuses what does not fit. A request that is alone always fits, so that MAX_BODY_BYTES keeps its word. */
  function check(more: number, others: number): void {
    if (others > 0 && bytes + more > maxInFlightBytes) throw overloaded("request bodies");
  }

  /** The client may try again in a second, since a place is free as soon as any of the many requests is answered. */
  function overloaded(what: string): EncoderError {
    return new EncoderError("OVERLOADED", `The service holds as many ${what} as it may; try again shortly.`);
  }

  /**
   * Lets a request in before its body is read. `declaredBytes` are checked but not reserved: whoever only announces a
   * large body must not keep others out.
   * @throws EncoderError OVERLOADED
   */
  return (declaredBytes: number): Admission => {
    if (requests >= maxInFlightRequests) throw overloaded("requests");
    check(declaredBytes, requests);
    requests++;
    metrics.requestsInFlight.set(requests);
    let own = 0;
    return {
      take(more) {
        check(more, requests - 1);
        own += more;
        bytes += more;
        metrics.bodyBytesInFlight.set(bytes);
      },
      leave() {
        requests--;
        bytes -= own;
        metrics.requestsInFlight.set(requests);
        metrics.bodyBytesInFlight.set(bytes);
      },
    };
  };
}
