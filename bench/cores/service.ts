/**
 * Runs as a process: the real service, but for its engines, which wait as long as the model says and compute nothing. It
 * sends its URL, and then, for each message, which part of the time since the last one its event loop and the engines of
 * each tower were busy.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createEncoder } from "../../src/encoder/encoder.ts";
import type { Engine } from "../../src/engine/contract.ts";
import { packageVersion } from "../../src/host/package.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createApp } from "../../src/server/app.ts";
import { batchMs } from "./model.ts";

const [model, replicas, threads] = process.argv.slice(2);
const dimensions = 512;

/** Parts of a time, from 0 to 1. */
export interface Busy {
  loop: number;
  image: number;
  text: number;
}

/** Counts the milliseconds of all threads. */
const engineMs = { image: 0, text: 0 };

/** @param options the threads that the engine would have */
async function startEngine(options: { threads: number }): Promise<Engine> {
  return {
    async run([first]) {
      const { name, dims } = first!;
      const tower = name === "pixels" ? "image" : "text";
      const ms = batchMs(tower, dims, options.threads);
      engineMs[tower] += ms * options.threads;
      await sleep(ms);
      return { embeddings: new Float32Array(dims[0]! * dimensions).fill(dimensions ** -0.5), inferenceMs: ms };
    },
    async close() {},
  };
}

const layout = { model: model!, replicas: Number(replicas), threads: Number(threads), maxImageQueue: 4096 };
const config = settingsWith(serviceSettings, { ...layout, page: false });
const metrics = createMetrics();
const encoder = await createEncoder(layout, metrics.observer, { startEngine });
const app = createApp({ encoder, config, metrics, version: await packageVersion() });
process.send!({ url: await app.listen({ host: "127.0.0.1", port: 0 }) });

let before = { loop: performance.eventLoopUtilization(), at: performance.now() };
process.on("message", () => {
  const now = { loop: performance.eventLoopUtilization(), at: performance.now() };
  const { utilization: loop } = performance.eventLoopUtilization(now.loop, before.loop);
  const share = (ms: number) => ms / (now.at - before.at) / (layout.replicas * layout.threads);
  const busy: Busy = { loop, image: share(engineMs.image), text: share(engineMs.text) };
  process.send!(busy);
  before = now;
  engineMs.image = engineMs.text = 0;
});
process.on("disconnect", async () => {
  await app.close();
  await encoder.close({ timeoutMs: 0 });
});
