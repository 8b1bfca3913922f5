import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import { serializerCompiler } from "fastify-type-provider-zod";
import type { connectionSettings } from "../config/server.ts";
import type { ValuesOf } from "../config/setting.ts";
import { EncoderError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { answerErrors, nativeAnswer } from "./error-reply.ts";
import { observeRequests } from "./observe.ts";
import { decorateRequests } from "./request-state.ts";
import { answerMalformed } from "./socket.ts";
import { validate } from "./validate.ts";

export interface BaseOptions extends ValuesOf<typeof connectionSettings> {
  /** Name of the model, which the header x-model tells. */
  model: string;
  metrics: Metrics;
  logger?: FastifyBaseLogger | undefined;
  /** A connection may be silent in both directions for this long. */
  silenceLimitMs: number;
}

/** Where Fastify has these from its beginning, it loads neither Ajv nor fast-json-stringify, whose types it asks for. */
export const compilers = {
  schemaController: {
    compilersFactory: { buildValidator: () => validate, buildSerializer: () => serializerCompiler } as object,
  },
};

/** Creates what holds for every route: the limits of connections, the identity of requests, the shape of errors. */
export function createBase(options: BaseOptions): FastifyInstance {
  const { metrics, logger } = options;
  const app: FastifyInstance = Fastify({
    ...(logger ? { loggerInstance: logger } : {}),
    // observeRequests writes one line per request.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    genReqId: requestId,
    trustProxy: options.trustProxy,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    requestTimeout: options.bodyTimeoutMs,
    connectionTimeout: options.silenceLimitMs,
    http: {
      headersTimeout: Math.min(options.headersTimeoutMs, options.bodyTimeoutMs),
      connectionsCheckingInterval: 1000, // how late the two timeouts above may strike
      requireHostHeader: false, // checked below, so that its error has the usual shape
    },
    return503OnClosing: false, // answered below, so that its error has the usual shape
    // A proxy may ask for http://host/path (RFC 9112, 3.2.2).
    rewriteUrl: ({ url = "/" }) => url.replace(/^https?:\/\/[^/?]*\/?/i, "/"),
    ...compilers,
    clientErrorHandler: answerMalformed(metrics),
    frameworkErrors: (error, request, reply) => app.errorHandler(error, request, reply),
  });
  app.server.maxHeadersCount = 0; // their size has a limit; by default Node.js leaves out all behind the thousandth
  app.server.maxConnections = options.maxConnections;
  // Expectations other than 100-continue may be ignored (RFC 9110, 10.1.1); Node would answer them without a body.
  app.server.on("checkExpectation", (request, reply) => app.server.emit("request", request, reply));
  app.server.on("drop", () => metrics.connectionsDropped.inc());
  // A client may send the next request before the answer (pipelining), and each request listens to its connection.
  app.server.on("connection", (socket) => socket.setMaxListeners(0));
  decorateRequests(app);
  closeSilentConnections(app);
  answerErrors(app, { metrics, answer: nativeAnswer });
  observeRequests(app, metrics);
  identify(app, options.model);
  return app;
}

/**
 * Closes connections over which nothing has come when the service stops. Browsers and balancers open them in advance, and
 * Node.js takes them for ones with a request under way.
 */
function closeSilentConnections(app: FastifyInstance): void {
  const connections = new Set<Socket>();
  app.server.on("connection", (socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  app.addHook("preClose", async () => {
    await nextTurn(); // what has arrived by now is read first
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
  });
}

function identify(app: FastifyInstance, modelName: string): void {
  const model = modelName.replace(/[^\x20-\x7e]/g, "?"); // what a header can hold
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id).header("x-model", model).header("x-content-type-options", "nosniff");
    const hosts = request.raw.rawHeaders.filter((it, at) => at % 2 === 0 && it.toLowerCase() === "host").length;
    if (hosts === 1 || (hosts === 0 && request.raw.httpVersion === "1.0")) return;
    throw new EncoderError("INVALID_REQUEST", `The request has ${hosts || "no"} Host header${hosts > 1 ? "s" : ""}.`);
  });
  app.addHook("onSend", async (_request, reply) => {
    if (app.draining) reply.header("connection", "close"); // or the connection would outlive this answer
  });
}

/** Gives the caller's x-request-id if it is fit for a log line, or a new one. */
function requestId({ headers }: IncomingMessage): string {
  const given = headers["x-request-id"];
  return typeof given === "string" && /^[\w.:/+=-]{1,128}$/.test(given) ? given : randomUUID();
}
