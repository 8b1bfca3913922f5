import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createEncoder } from "../../src/index.ts";
import { pixelPng } from "../support/pixel.ts";
import { slowEngine } from "../support/slow-engine.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

let model: string;
beforeAll(async () => {
  model = await buildTinyModel();
});
afterAll(() => rm(dirname(model), { recursive: true }));

/** Starts a server that answers with a picture when the test says so, or after a while. */
async function slowPictures(ms: number): Promise<string> {
  const server = createServer((_request, reply) => setTimeout(() => reply.end(pixelPng), ms)).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`; // it listens on TCP
}

const picture = (tail: string) => Buffer.concat([pixelPng, Buffer.from(tail)]);

describe("closing an encoder", () => {
  it("answers everything that was accepted: what is fetched, decoded, tokenised, queued and run", async () => {
    const encoder = await createEncoder(
      { model, urlAllowlist: ["127.0.0.1"], decodeProcesses: 1 },
      {},
      { startEngine: slowEngine(100) },
    );
    const accepted = [
      encoder.encodeImages([{ url: await slowPictures(300) }]),
      encoder.encodeImages(Array.from({ length: 60 }, (_, i) => picture(`${i}`))),
      encoder.encodeTexts(Array.from({ length: 200 }, (_, i) => `text ${i}`)),
      encoder.encodeTexts(["one"]),
      encoder.encodeImages([picture("waits")], { wait: true }),
    ];
    const closed = encoder.close();
    const late = [encoder.encodeTexts(["late"]), encoder.encodeImages([picture("late")])];
    for (const call of late) await expect(call).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
    const encodings = await Promise.all(accepted);
    expect(encodings.map(({ embeddings }) => embeddings.length)).toEqual([1, 60, 200, 1, 1]);
    await closed;
  });

  it("refuses what takes longer than it may", async () => {
    const encoder = await createEncoder(
      { model, urlAllowlist: ["127.0.0.1"] },
      {},
      { startEngine: slowEngine(60_000) },
    );
    const accepted = [encoder.encodeImages([{ url: await slowPictures(60_000) }]), encoder.encodeTexts(["hangs"])];
    const outcomes = Promise.allSettled(accepted);
    await encoder.close({ timeoutMs: 100 });
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "SHUTTING_DOWN" } });
    }
  });

  it("may be asked for twice", async () => {
    const encoder = await createEncoder({ model }, {}, { startEngine: slowEngine(50) });
    const text = encoder.encodeTexts(["a"]);
    await Promise.all([encoder.close(), encoder.close()]);
    expect((await text).embeddings).toHaveLength(1);
    expect(await encoder.isHealthy({ maxAgeMs: 0 })).toBe(false);
  });
});
