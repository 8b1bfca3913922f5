import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import {
  accessSettings,
  admissionSettings,
  connectionSettings,
  healthSettings,
  requestSettings,
} from "../config/server.ts";
import type { ServiceConfig } from "../config/service.ts";
import { pickSettings } from "../config/setting.ts";
import type { Encoder } from "../encoder/encoder.ts";
import type { Metrics } from "../metrics.ts";
import type { PictureIndex } from "../search/picture-index.ts";
import type { Pictures } from "../search/pictures.ts";
import { guardAccess } from "./access.ts";
import { admitWork } from "./admission.ts";
import { documentApi } from "./api-document.ts";
import { createBase } from "./base.ts";
import { readJsonBodies } from "./body.ts";
import { allowOrigins } from "./cors.ts";
import { createEncode } from "./encode.ts";
import { createItemReader } from "./items.ts";
import { createModelCheck } from "./model-names.ts";
import { native } from "./native.ts";
import type { PageFiles } from "./page-files.ts";
import { openProtocol } from "./protocol.ts";
import { chosenProtocols } from "./protocols/protocols.ts";
import { docsRoute } from "./routes/docs.ts";
import { healthRoutes } from "./routes/health.ts";
import { infoRoute } from "./routes/info.ts";
import { metricsRoute } from "./routes/metrics.ts";
import { pageRoute } from "./routes/page.ts";
import { pictureRoute } from "./routes/pictures.ts";
import { indexRoute, sampleRoute, searchRoute } from "./routes/search.ts";
import { answerUnrouted } from "./unrouted.ts";

export interface AppOptions {
  encoder: Encoder;
  config: ServiceConfig;
  metrics: Metrics;
  /** GET /info and the API document tell this version of the package. */
  version: string;
  /** GET / serves these; without them there is no page. */
  page?: PageFiles | undefined;
  /** GET /docs serves these; without them, and with DOCS=off, there is no such page. */
  docs?: PageFiles | undefined;
  /** With an index there are POST /search, GET /index and GET /pictures/:id. */
  search?: { index: PictureIndex; pictures: Pictures } | undefined;
  logger?: FastifyBaseLogger;
}

/** Creates the service: what clients and people use, and what operators read unless ADMIN_PORT takes that. */
export function createApp(options: AppOptions): FastifyInstance {
  const { config, metrics, encoder, version, page, docs } = options;
  const { manifest } = encoder;
  const app = openDoor(options);
  const admission = pickSettings(admissionSettings, config);
  admitWork(app, { ...admission, readTimeoutMs: silenceLimitMs(config), metrics });
  if (config.docs) documentApi(app, { version, needsKey: config.apiKeys.length > 0 });
  const limits = requestLimits(config);
  const readItems = createItemReader(limits);
  const encode = createEncode(encoder, config.requestTimeoutMs);
  const { modelAliases, acceptAnyModel } = config;
  const checkModel = createModelCheck({ manifest, modelAliases, acceptAnyModel });
  const context = { manifest, limits, checkModel, readItems, encode };
  for (const protocol of [native, ...chosenProtocols(config.protocols)]) {
    openProtocol(app, { protocol, context, metrics });
  }
  const { search } = options;
  if (search) {
    app.register(async (routes) => {
      searchRoute(routes, context, search.index);
      indexRoute(routes, search.index);
      sampleRoute(routes, search.index);
      pictureRoute(routes, search.pictures, config.requestTimeoutMs);
    });
  }
  app.register(async (routes) => {
    statusRoutes(routes, options, config.adminPort === 0);
    if (page) pageRoute(routes, page);
    if (docs) docsRoute(routes, docs);
  });
  return app;
}

/** Creates what listens on ADMIN_PORT. */
export function createAdminApp(options: AppOptions): FastifyInstance {
  const app = openDoor(options);
  statusRoutes(app, options, true);
  return app;
}

/** Creates the base, and what every request passes on its way to a route. */
function openDoor({ encoder, config, metrics, logger }: AppOptions): FastifyInstance {
  const connections = pickSettings(connectionSettings, config);
  const model = encoder.manifest.name;
  const app = createBase({ ...connections, model, metrics, logger, silenceLimitMs: silenceLimitMs(config) });
  allowOrigins(app, config.corsOrigins);
  guardAccess(app, pickSettings(accessSettings, config));
  answerUnrouted(app);
  readJsonBodies(app, requestLimits(config));
  return app;
}

/** Serves what tells of the service itself; /metrics only where `isForOperators`. */
function statusRoutes(app: FastifyInstance, options: AppOptions, isForOperators: boolean): void {
  const { encoder, config, metrics, version } = options;
  const { manifest, device } = encoder;
  const { imageUrls, maxImagePixels } = config;
  healthRoutes(app, { ...pickSettings(healthSettings, config), encoder });
  infoRoute(app, { manifest, device, limits: { ...requestLimits(config), maxImagePixels }, imageUrls, version });
  if (isForOperators && config.metrics) metricsRoute(app, { encoder, metrics, version });
}

function requestLimits(config: ServiceConfig) {
  return { ...pickSettings(requestSettings, config), maxImageBytes: config.maxImageBytes };
}

/** Bounds silence in both directions, and the reading of an answer, by more than a request and its answer take. */
function silenceLimitMs({ bodyTimeoutMs, requestTimeoutMs }: ServiceConfig): number {
  return bodyTimeoutMs + requestTimeoutMs;
}
