import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import type { EncoderError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { answerErrors } from "./error-reply.ts";
import type { RouteContext } from "./route-context.ts";

/** A protocol is a way to talk to this service: some routes, and one shape of errors for all of them. */
export interface Protocol {
  /** The metrics' label `protocol` and the setting PROTOCOLS use this name. */
  name: string;
  /** Answers an error in the shape that the protocol's clients read. */
  answer: ErrorAnswer;
  /** Describes the same shape for the OpenAPI document. */
  failure: z.ZodType;
  routes(scope: FastifyInstance, context: RouteContext): void;
}

export type ErrorAnswer = (error: EncoderError) => { status: number; body: object };

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route belongs to this protocol. */
    protocol?: Protocol;
    /** The route makes the encoder work: a request is admitted or refused before its body is read. */
    work?: true;
    /** The route asks for no API key, and counts against no rate limit. */
    keyless?: true;
    /** The key may stand in the request itself: as `?api_key=`, or as the field `api_key` of a small body. */
    keyInRequest?: true;
    /** Requests are logged at debug level, since probes repeat them all day. */
    quiet?: true;
  }
}

/** Registers a protocol's routes in a scope of their own, in which its errors have its shape. */
export function openProtocol(
  app: FastifyInstance,
  { protocol, context, metrics }: { protocol: Protocol; context: RouteContext; metrics: Metrics },
): void {
  app.register(async (scope) => {
    scope.addHook("onRoute", (route) => {
      route.config = { ...route.config, protocol };
    });
    answerErrors(scope, { metrics, answer: protocol.answer });
    protocol.routes(scope, context);
  });
}
