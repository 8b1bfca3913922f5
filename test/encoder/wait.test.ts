import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createEncoder, type EncoderObserver, type EncoderOptions } from "../../src/index.ts";
import { pixelPng } from "../support/pixel.ts";
import { slowEngine } from "../support/slow-engine.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

let model: string;
beforeAll(async () => {
  model = await buildTinyModel();
});
afterAll(() => rm(dirname(model), { recursive: true }));

let runs = 0;
async function open(options: EncoderOptions, engineMs = 1, observer: EncoderObserver = {}) {
  runs = 0;
  const startEngine = slowEngine(engineMs, () => runs++);
  const encoder = await createEncoder({ model, ...options }, observer, { startEngine });
  onTestFinished(() => encoder.close({ timeoutMs: 0 }));
  return encoder;
}
const firstRun = () => expect.poll(() => runs, { timeout: 20_000 }).toBe(1);

let pictures = 0;
/** Makes a picture that no other is equal to. */
const picture = () => Buffer.concat([pixelPng, Buffer.from(`${pictures++}`)]);
const soon = () => performance.now() + 60_000;

describe("a call that waits for room", () => {
  it("is never refused: 2,000 single images at once give 2,000 vectors", async () => {
    const encoder = await open({});
    const calls = Array.from({ length: 2000 }, () => encoder.encodeImages([picture()], { wait: true }));
    const encodings = await Promise.all(calls);
    expect(encodings.flatMap(({ embeddings }) => embeddings)).toHaveLength(2000);
  }, 120_000);

  it("holds no more decoded pictures than MAX_IMAGE_QUEUE, however many calls there are", async () => {
    const held: number[] = [];
    const onQueueDepth: EncoderObserver["onQueueDepth"] = (tower, depth) => {
      if (tower === "image") held.push(depth);
    };
    const encoder = await open({ maxImageQueue: 8, maxImageBatch: 1 }, 10, { onQueueDepth });
    await Promise.all(Array.from({ length: 200 }, () => encoder.encodeImages([picture()], { wait: true })));
    expect(Math.max(...held)).toBeGreaterThan(0);
    expect(Math.max(...held)).toBeLessThanOrEqual(8);
  }, 60_000);

  it("lets others in that cannot wait, and these go first", async () => {
    const encoder = await open({ maxImageQueue: 8, maxImageBatch: 1, decodeProcesses: 1 }, 20);
    const done: string[] = [];
    const bulk = Array.from({ length: 100 }, () =>
      encoder.encodeImages([picture()], { wait: true }).then(() => done.push("bulk")),
    );
    await expect.poll(() => done.length, { timeout: 20_000 }).toBeGreaterThan(2);
    const before = done.length;
    await encoder.encodeImages([picture()], { deadline: soon() });
    expect(done.length - before).toBeLessThan(20);
    await Promise.all(bulk);
  });

  it("gets in in the order of the calls", async () => {
    const encoder = await open({ maxImageQueue: 1, maxImageBatch: 1 });
    const done: number[] = [];
    const calls = Array.from({ length: 50 }, (_, i) =>
      encoder.encodeImages([picture()], { wait: true }).then(() => done.push(i)),
    );
    await Promise.all(calls);
    expect(done).toEqual(calls.map((_, i) => i));
  });

  it("gives a whole batch that has more items than there is room", async () => {
    const encoder = await open({ maxTextQueue: 2, maxTextBatch: 2 });
    const texts = Array.from({ length: 60 }, (_, i) => `text ${i}`);
    const [one, other] = await Promise.all([
      encoder.encodeTexts(texts, { wait: true }),
      encoder.encodeTexts(
        texts.map((text) => `other ${text}`),
        { wait: true },
      ),
    ]);
    expect([one.embeddings.length, other.embeddings.length]).toEqual([60, 60]);
  });

  it("ends at its deadline, or with its signal, and gives up its place", async () => {
    const encoder = await open({ maxTextQueue: 1, maxTextBatch: 1 }, 500);
    const first = encoder.encodeTexts(["first"], { wait: true });
    await firstRun();
    const caller = new AbortController();
    const aborted = encoder.encodeTexts(["aborted"], { wait: true, signal: caller.signal });
    const late = encoder.encodeTexts(["late"], { wait: true, deadline: performance.now() + 50 });
    const last = encoder.encodeTexts(["last"], { wait: true });
    setTimeout(() => caller.abort(new Error("gone")), 20);
    await Promise.all([
      expect(aborted).rejects.toThrow("gone"),
      expect(late).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" }),
      first,
      last,
    ]);
  });

  it("is refused where it would not wait", async () => {
    const encoder = await open({ maxTextQueue: 1, maxTextBatch: 1 }, 1000);
    const first = encoder.encodeTexts(["first"]);
    await firstRun();
    await expect(encoder.encodeTexts(["second"])).rejects.toMatchObject({ code: "OVERLOADED" });
    await first;
  });
});
