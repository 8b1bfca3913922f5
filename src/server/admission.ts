import type { ServiceConfig } from "../config/service.ts";
import { EncoderError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";

/** One request's place among those in flight. */
export interface Admission {
  /** Counts bytes of its body as they arrive. @throws EncoderError OVERLOADED */
  take(bytes: number): void;
  leave(): void;
}

export interface Gate {
  /**
   * Lets a request in before its body is read. `declaredBytes` are checked but not reserved: whoever only announces a large
   * body must not keep others out.
   * @throws EncoderError OVERLOADED
   */
  enter(declaredBytes: number): Admission;
}

/** Bounds the encode requests in flight and the bytes of their bodies, so that memory stays bounded under any load. */
export function createGate(config: ServiceConfig, metrics: Metrics): Gate {
  let requests = 0;
  let bytes = 0;

  /** A request that is alone always fits, so that MAX_BODY_BYTES keeps its word. */
  function check(more: number, others: number): void {
    if (others > 0 && bytes + more > config.maxInFlightBytes) throw overloaded("request bodies");
  }

  /** To be tried again in a second: a place is free as soon as any of the many requests is answered. */
  function overloaded(what: string): EncoderError {
    return new EncoderError("OVERLOADED", `The service holds as many ${what} as it may; try again shortly.`);
  }

  return {
    enter(declaredBytes) {
      if (requests >= config.maxInFlightRequests) throw overloaded("requests");
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
    },
  };
}
