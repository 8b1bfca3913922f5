import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import Fastify, { type FastifyInstance, LogController } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import type { ServiceConfig } from "../config/service.ts";
import { EncoderError } from "../errors.ts";
import { guardAccess } from "./access.ts";
import { createGate } from "./admission.ts";
import { documentApi } from "./api-document.ts";
import { readJsonBodies } from "./body.ts";
import type { ServerContext } from "./context.ts";
import { allowOrigins } from "./cors.ts";
import { answerErrors } from "./error-reply.ts";
import { observeRequests } from "./observe.ts";
import { onceOver } from "./once-over.ts";
import { decorateRequests } from "./request-state.ts";
import { encodeImageRoute } from "./routes/encode-image.ts";
import { encodeTextRoute } from "./routes/encode-text.ts";
import { healthRoutes } from "./routes/health.ts";
import { homeRoute } from "./routes/home.ts";
import { infoRoute } from "./routes/info.ts";
import { metricsRoute } from "./routes/metrics.ts";
import { answerMalformed } from "./socket.ts";
import { traceIdOf } from "./trace.ts";
import { answerUnrouted } from "./unrouted.ts";

/** The service: encode and health routes, and what operators and people read unless ADMIN_PORT takes that. */
export function createApp(context: ServerContext): FastifyInstance {
  const app = createBase(context);
  const gate = createGate(context.config, context.metrics);
  // Every POST is work for the encoder. It is let in or refused before its body is read.
  app.addHook("onRequest", async (request, reply) => {
    if (request.is404 || request.method !== "POST") return;
    const admission = gate.enter(Number(request.headers["content-length"] ?? 0));
    request.admission = admission;
    onceOver(reply, () => admission.leave());
  });
  // An answer that is read byte by byte is never silent, and would keep its place for ever.
  app.addHook("onSend", async (request, reply) => {
    if (!request.admission) return;
    const timer = setTimeout(() => request.raw.socket.destroy(), silenceLimitMs(context.config));
    onceOver(reply, () => clearTimeout(timer));
  });
  app.register(async (routes) => {
    encodeTextRoute(routes, context);
    encodeImageRoute(routes, context);
    healthRoutes(routes, context);
    if (context.config.adminPort === 0) operatorRoutes(routes, context);
  });
  return app;
}

/** What listens on ADMIN_PORT. */
export function createAdminApp(context: ServerContext): FastifyInstance {
  const app = createBase(context);
  app.register(async (routes) => {
    healthRoutes(routes, context);
    operatorRoutes(routes, context);
  });
  return app;
}

function operatorRoutes(app: FastifyInstance, context: ServerContext): void {
  infoRoute(app, context);
  if (context.config.metrics) metricsRoute(app, context);
  if (context.config.docs) homeRoute(app, context);
}

/** What holds for every route: limits of connections, identity, access, errors. */
function createBase(context: ServerContext): FastifyInstance {
  const { config, encoder, metrics, logger } = context;
  const app: FastifyInstance = Fastify({
    ...(logger ? { loggerInstance: logger } : {}),
    // observeRequests writes one line per request
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    genReqId: requestId,
    childLoggerFactory(logger, bindings, options, { headers }) {
      const traceId = traceIdOf(headers.traceparent);
      return logger.child(traceId === undefined ? bindings : { ...bindings, traceId }, options);
    },
    trustProxy: config.trustProxy,
    keepAliveTimeout: config.keepAliveTimeoutMs,
    requestTimeout: config.bodyTimeoutMs,
    connectionTimeout: silenceLimitMs(config),
    http: {
      headersTimeout: Math.min(config.headersTimeoutMs, config.bodyTimeoutMs),
      connectionsCheckingInterval: 1000, // how late the two timeouts above may strike
      requireHostHeader: false, // asked for below, in the shape of all errors
    },
    return503OnClosing: false, // answered below, in the shape of all errors
    clientErrorHandler: answerMalformed(metrics),
    frameworkErrors: (error, request, reply) => app.errorHandler(error, request, reply),
  });
  app.server.maxConnections = config.maxConnections;
  // Expectations other than 100-continue may be ignored (RFC 9110, 10.1.1); Node would answer them without a body.
  app.server.on("checkExpectation", (request, reply) => app.server.emit("request", request, reply));
  app.server.on("drop", () => metrics.connectionsDropped.inc());
  // As many as a connection has requests under way: a client may send the next before the answer (pipelining).
  app.server.on("connection", (socket) => socket.setMaxListeners(0));
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  decorateRequests(app);
  answerErrors(app, metrics);
  observeRequests(app, metrics);

  const model = encoder.manifest.name.replace(/[^\x20-\x7e]/g, "?"); // what a header can hold
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id).header("x-model", model).header("x-content-type-options", "nosniff");
    if (request.headers.host !== undefined || request.raw.httpVersion === "1.0") return;
    throw new EncoderError("INVALID_REQUEST", "The request has no Host header.");
  });
  app.addHook("onSend", async (_request, reply) => {
    if (app.draining) reply.header("connection", "close"); // or the connection would outlive this answer
  });
  allowOrigins(app, config.corsOrigins);
  guardAccess(app, config);
  readJsonBodies(app, context);
  answerUnrouted(app, metrics);
  documentApi(app, context);
  return app;
}

/** For silence in both directions, and for reading an answer: longer than a request may take to arrive and be answered. */
function silenceLimitMs({ bodyTimeoutMs, requestTimeoutMs }: ServiceConfig): number {
  return bodyTimeoutMs + requestTimeoutMs;
}

/** The caller's x-request-id where it is fit for a log line, or a new one. */
function requestId({ headers }: IncomingMessage): string {
  const given = headers["x-request-id"];
  return typeof given === "string" && /^[\w.:/+=-]{1,128}$/.test(given) ? given : randomUUID();
}
