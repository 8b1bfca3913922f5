import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import v8 from "node:v8";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { decodeSettings, encoderSettings } from "../config/encoder.ts";
import { type ServiceConfig, serviceSettings } from "../config/service.ts";
import { pickSettings } from "../config/setting.ts";
import { createEncoder, type Encoder, type EncoderObserver } from "../encoder/encoder.ts";
import { EncoderError } from "../errors.ts";
import { packageRoot, packageVersion } from "../host/package.ts";
import { createThumbnailer } from "../image/thumbnail.ts";
import { createMetrics, type Metrics } from "../metrics.ts";
import { embeddedName } from "../model/locate.ts";
import { createAdminApp, createApp } from "../server/app.ts";
import { findPageFiles } from "../server/page-files.ts";
import { absoluteFolder } from "./absolute-folder.ts";
import { command } from "./command.ts";
import { createLogger } from "./log.ts";

export const serve = command({
  summary: "Run the HTTP service",
  settings: serviceSettings,
  async run({ values: config, signal }) {
    const logger = createLogger(config.logLevel);
    const metrics = createMetrics();
    const encoder = await createEncoder(pickSettings(encoderSettings, config), observer(metrics, logger), {
      signal,
    }).catch((error) => {
      if (error !== signal.reason) throw error;
    });
    if (!encoder) return; // the process was asked to stop before anything began
    keepHeapSmall();
    try {
      await serveWith(encoder, { config, metrics, logger, signal });
    } finally {
      await encoder.close({ timeoutMs: 0 }); // everybody was answered or cut off
    }
  },
});

/** The heap of this thread holds 20 MiB, and what requests leave behind must not pile up to several times of that. */
function keepHeapSmall(): void {
  // bin/image-text-encoder says so as well, but V8 goes back to its default of 2 when a thread is started.
  v8.setFlagsFromString("--semi-space-growth-factor=1");
  // Requests that wait long enough become old objects. By itself V8 collects those after tens of MiB, this way after some
  // 2: a collection for some hundred pictures, which bring few such.
  v8.setFlagsFromString("--optimize-for-size");
  v8.setFlagsFromString("--heap-growing-percent=10");
}

interface ServeOptions {
  config: ServiceConfig;
  metrics: Metrics;
  logger: Logger;
  signal: AbortSignal;
}

async function serveWith(encoder: Encoder, { config, metrics, logger, signal }: ServeOptions): Promise<void> {
  const files = config.page || config.docs ? await findPageFiles(join(packageRoot, "dist/web")) : undefined;
  if (config.page && !files) logger.warn("there is no page at /, since it was not built: npm run build");
  const pages = { page: config.page ? files : undefined, docs: config.docs ? files : undefined };
  const search = config.index === "" ? undefined : await openSearch(config, encoder);
  const context = { encoder, config, metrics, logger, ...pages, search, version: await packageVersion() };
  const apps = [createApp(context)];
  if (config.adminPort > 0) apps.push(createAdminApp(context));
  try {
    if (signal.aborted) return;
    const ports = [config.port, config.adminPort];
    announce(logger, encoder);
    await Promise.all(apps.map((app, i) => listen(app, config.host, ports[i]!)));
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    logger.info({ reason: String(signal.reason) }, "stopping: requests in flight are finished");
  } finally {
    await drain(apps, config, logger);
    await search?.close();
  }
}

/** Opens what POST /search and its companions need. Whoever has no index loads nothing of it. */
async function openSearch(config: ServiceConfig, encoder: Encoder) {
  const [{ openPictureIndex }, { createPictures }] = await Promise.all([
    import("../search/picture-index.ts"),
    import("../search/pictures.ts"),
  ]);
  const index = await openPictureIndex(absoluteFolder(config.index), encoder.manifest);
  const thumbnailer = createThumbnailer(pickSettings(decodeSettings, config));
  const pictures = createPictures({ index, thumbnailer, maxImageBytes: config.maxImageBytes });
  return {
    index,
    pictures,
    async close() {
      index.close();
      await thumbnailer.close();
    },
  };
}

function observer({ observer }: Metrics, logger: Logger): EncoderObserver {
  return {
    ...observer,
    onEngineDeath(tower, reason) {
      observer.onEngineDeath?.(tower, reason);
      logger.error({ tower, reason }, "an engine died and is replaced");
    },
    onDeviceFallback(reason) {
      logger.warn({ reason }, "DEVICE is auto and no GPU can be used: graphs run on the processor");
    },
    onFewerEngines(tower, reason) {
      const { message, internal } = reason;
      logger.warn({ tower, reason: message, internal }, "this tower has fewer engines: it is slower under load");
    },
    onTemporaryModel(reason) {
      logger.warn({ reason: reason.message }, "the embedded model was built into a temporary folder");
    },
  };
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port, listenTextResolver: (address) => `listening at ${address}` });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException; // net.Server rejects with such errors
    const reasons: Record<string, string> = {
      EADDRINUSE: `Port ${port} on ${host} is in use; choose another with --port, or stop what uses it.`,
      EACCES: `Port ${port} may not be listened on by this user; choose one above 1023 with --port.`,
      EADDRNOTAVAIL: `${host} is not an address of this machine; choose another with --host.`,
      ENOTFOUND: `${host} is not a known host; choose another with --host.`,
    };
    const reason = reasons[code ?? ""] ?? `${host}:${port} cannot be listened on (${code}).`;
    throw new EncoderError("LISTEN_FAILED", reason, { cause });
  }
}

function announce(logger: Logger, { manifest, device }: Encoder): void {
  const { name: model, dimensions, image, text } = manifest;
  const facts = { model, dimensions, image: image.precision, text: text.precision, device: device.used };
  if (model === embeddedName) {
    logger.warn(facts, "serving the small embedded model; for the real one: image-text-encoder pull clip-vit-b-32");
  } else {
    logger.info(facts, "model loaded");
  }
}

/** Answers what is in flight. Connections that are still busy after DRAIN_TIMEOUT_MS are cut. */
async function drain(apps: FastifyInstance[], config: ServiceConfig, logger: Logger): Promise<void> {
  const closed = Promise.all(apps.map((app) => app.close())).then(() => "closed");
  const outcome = await Promise.race([closed, sleep(config.drainTimeoutMs, "late", { ref: false })]);
  if (outcome === "late") {
    logger.warn({ drainTimeoutMs: config.drainTimeoutMs }, "requests were cut off that took longer");
    for (const app of apps) app.server.closeAllConnections();
  }
  await closed;
}
