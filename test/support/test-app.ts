import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { type ServiceConfig, serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createMetrics, type Metrics } from "../../src/metrics.ts";
import { createApp } from "../../src/server/app.ts";
import { type FakeEncoder, fakeEncoder } from "./fake-encoder.ts";

export interface TestApp {
  app: FastifyInstance;
  encoder: FakeEncoder;
  metrics: Metrics;
}

/** Makes the service around an encoder without a model. */
export function testApp(overrides: Partial<ServiceConfig> = {}, logger?: FastifyBaseLogger): TestApp {
  const config = settingsWith(serviceSettings, overrides);
  const encoder = fakeEncoder({ maxImageBytes: config.maxImageBytes });
  const metrics = createMetrics();
  const app = createApp({ encoder, config, metrics, version: "1.2.3", ...(logger && { logger }) });
  return { app, encoder, metrics };
}
