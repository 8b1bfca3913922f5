import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import { describe, expect, it, onTestFinished } from "vitest";
import { encoderSettings } from "../../src/config/encoder.ts";
import { serviceSettings } from "../../src/config/service.ts";
import { pickSettings, settingsWith } from "../../src/config/setting.ts";
import { createEncoder } from "../../src/encoder/encoder.ts";
import type { Engine } from "../../src/engine/contract.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createApp } from "../../src/server/app.ts";
import { listen } from "../support/loopback.ts";
import { pixelPng } from "../support/pixel.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

/** A batch takes 160 ms, whatever is in it. */
const slowEngine: Engine = {
  async run([input]) {
    await sleep(160);
    return { embeddings: new Float32Array(input!.dims[0]! * 512).fill(1), inferenceMs: 160 };
  },
  close: async () => {},
};

/** Starts the service on a socket, with engines that do 12 images and 25 texts a second. */
async function slowService() {
  const model = await buildTinyModel();
  const config = settingsWith(serviceSettings, {
    model,
    maxImageBatch: 2,
    maxTextBatch: 4,
    requestTimeoutMs: 12_000,
    maxInFlightRequests: 100_000,
    maxConnections: 100_000,
    headersTimeoutMs: 100_000,
    bodyTimeoutMs: 100_000,
  });
  const metrics = createMetrics();
  const encoder = await createEncoder(pickSettings(encoderSettings, config), metrics.observer, {
    startEngine: async () => ({ ...slowEngine }),
  });
  const app = createApp({ encoder, config, metrics, version: "0" });
  onTestFinished(async () => {
    await app.close();
    await encoder.close();
    await rm(dirname(model), { recursive: true });
  });
  await app.ready();
  const url = `http://127.0.0.1:${await listen(app.server)}`;
  // Each request has a connection of its own. One that was kept may be closed by the server at the moment at which it is
  // used again, which a machine that stands still for seconds makes likely.
  const dispatcher = new Agent({ pipelining: 0, connect: { timeout: 60_000 } });
  onTestFinished(() => dispatcher.close());
  const post = async (path: string, type: string, body: string | Buffer) => {
    const options = { method: "POST", headers: { "content-type": type }, body, dispatcher } as const;
    const { statusCode: status, headers, body: reply } = await request(`${url}${path}`, options);
    return { status, retryAfter: headers["retry-after"], body: await reply.text() };
  };
  let count = 0;
  return {
    metrics,
    text: () => post("/encode_text", "application/json", JSON.stringify({ text: `text ${count++}` })),
    texts: (n: number) =>
      post(
        "/encode_text",
        "application/json",
        JSON.stringify({ texts: Array.from({ length: n }, () => `${count++}`) }),
      ),
    // A PNG may be followed by anything: equal pictures would be computed once.
    image: () => post("/encode_image", "image/png", Buffer.concat([pixelPng, Buffer.from(`${count++}`)])),
  };
}

describe("the service at four times its capacity", () => {
  it("answers what it accepts within the deadline, refuses the rest with a time to come back, and recovers", async () => {
    const { text, texts, image, metrics } = await slowService();
    const answers: ReturnType<typeof text>[] = [];
    for (let turn = 0; turn < 40; turn++) {
      for (let i = 0; i < 10; i++) answers.push(text());
      for (let i = 0; i < 5; i++) answers.push(image());
      if (turn % 10 === 0) answers.push(texts(50));
      await sleep(100);
    }
    const replies = await Promise.all(answers);
    const count = (status: number) => replies.filter((reply) => reply.status === status).length;
    expect(replies.filter(({ status }) => status !== 200 && status !== 429)).toEqual([]); // 504 would be a deadline missed
    expect(count(200)).toBeGreaterThan(100);
    expect(count(429)).toBeGreaterThan(100);
    for (const { status, retryAfter, body } of replies) {
      if (status !== 429) continue;
      expect(JSON.parse(body).code).toBe("OVERLOADED");
      expect(retryAfter).toMatch(/^[1-9]\d?$/); // seconds
    }
    const patience = { timeout: 60_000, interval: 500 };
    await expect.poll(async () => (await texts(4)).status, patience).toBe(200);
    await expect.poll(async () => (await image()).status, patience).toBe(200);
    const depths = async () => (await metrics.queueDepth.get()).values.map(({ value }) => value);
    await expect.poll(depths, patience).toEqual([0, 0]);
  }, 120_000);
});
