import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createEncoder, type TowerName } from "../../src/encoder/encoder.ts";
import type { Engine } from "../../src/engine/contract.ts";
import { type EngineOptions, graphIdentity } from "../../src/engine/engine.ts";
import { layoutFor } from "../../src/engine/layout.ts";
import { EncoderError } from "../../src/errors.ts";
import { availableCores } from "../../src/host/available-cores.ts";
import { packageRoot } from "../../src/host/package.ts";
import { decoderPids } from "../support/decoder-pids.ts";
import { pixelPng } from "../support/pixel.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

let model: string;
beforeAll(async () => {
  model = await buildTinyModel();
});
afterAll(() => rm(dirname(model), { recursive: true }));

type Behaviour = "works" | "fails" | "hangs";

/** Starts an encoder whose engines do as the test says; all else is real. */
async function encoderWith(behaviour: { image: Behaviour; text: Behaviour }, onRun = () => {}) {
  const startEngine = async ({ graph }: EngineOptions): Promise<Engine> => {
    const tower = graph.endsWith("image.onnx") ? "image" : "text";
    return {
      async run([input]) {
        onRun();
        if (behaviour[tower] === "hangs") return new Promise(() => {});
        if (behaviour[tower] === "fails") throw new EncoderError("ENGINE_FAILED", "failed");
        return { embeddings: new Float32Array(input!.dims[0]! * 512).fill(1), inferenceMs: 1 };
      },
      close: async () => {},
    };
  };
  const waiting = { image: 0, text: 0 };
  const onQueueDepth = (tower: TowerName, depth: number) => {
    waiting[tower] = depth;
  };
  const encoder = await createEncoder({ model }, { onQueueDepth }, { startEngine });
  onTestFinished(() => encoder.close({ timeoutMs: 0 }));
  return { ...encoder, waiting };
}

describe("health", () => {
  it("is good when both towers give vectors, and needs no new one while the last is recent", async () => {
    const behaviour = { image: "works", text: "works" } as { image: Behaviour; text: Behaviour };
    const encoder = await encoderWith(behaviour);
    expect(await encoder.isHealthy({ maxAgeMs: 60_000 })).toBe(true);
    behaviour.text = "fails";
    expect(await encoder.isHealthy({ maxAgeMs: 60_000 })).toBe(true);
    expect(await encoder.isHealthy({ maxAgeMs: 0 })).toBe(false);
    behaviour.text = "works";
    expect(await encoder.isHealthy({ maxAgeMs: 0 })).toBe(true);
  });

  it.each(["image", "text"] as const)("is bad when the %s tower fails, whatever the other one does", async (tower) => {
    const behaviour = { image: "works", text: "works", [tower]: "fails" } as { image: Behaviour; text: Behaviour };
    const encoder = await encoderWith(behaviour);
    await Promise.allSettled([encoder.encodeTexts(["a"])]);
    expect(await encoder.isHealthy({ maxAgeMs: 60_000 })).toBe(false);
  });

  it.each(["image", "text"] as const)(
    "is bad when the %s tower hangs although nobody asks anything of it",
    async (tower) => {
      const behaviour = { image: "works", text: "works", [tower]: "hangs" } as { image: Behaviour; text: Behaviour };
      const encoder = await encoderWith(behaviour);
      const isHealthy = () => encoder.isHealthy({ maxAgeMs: 60_000, signal: AbortSignal.timeout(200) });
      expect(await isHealthy()).toBe(false);
      expect(await isHealthy()).toBe(false);
      await expect.poll(() => encoder.waiting).toEqual({ image: 0, text: 0 }); // probes do not pile up
    },
  );
});

describe("an encoder for bulk work", () => {
  it("starts the tower that it needs alone, in several engines where there are cores, and refuses other inputs", async () => {
    const started: EngineOptions[] = [];
    const startEngine = async (options: EngineOptions): Promise<Engine> => {
      started.push(options);
      const run: Engine["run"] = async ([input]) => ({
        embeddings: new Float32Array(input!.dims[0]! * 512).fill(1),
        inferenceMs: 1,
      });
      return { run, close: async () => {} };
    };
    const encoder = await createEncoder({ model }, {}, { startEngine, towers: ["text"], isBulk: true });
    onTestFinished(() => encoder.close({ timeoutMs: 0 }));
    const { engines } = layoutFor(availableCores(), { replicas: 0, threads: 0, isBulk: true, isShared: true });
    expect(started.map(({ graph, threads }) => ({ graph: basename(graph), threads }))).toEqual(
      engines.map((threads) => ({ graph: "text.onnx", threads })),
    );
    expect(decoderPids()).toEqual([]);
    expect((await encoder.encodeTexts(["a"])).embeddings).toHaveLength(1);
    await expect(encoder.encodeImages([pixelPng])).rejects.toThrow("The image tower was not started.");
    expect(await encoder.isHealthy({ maxAgeMs: 0 })).toBe(true);
  });
});

describe("an encoder of several engines", () => {
  let modelsDir: string;
  beforeAll(async () => {
    modelsDir = await mkdtemp(join(packageRoot, "node_modules/.encoder-test-")); // which lies on a disk
  });
  afterAll(() => rm(modelsDir, { recursive: true }));

  /** Starts the embedded model's towers on two threads each, and tells what engines were asked for. */
  async function startSeveral() {
    const started: EngineOptions[] = [];
    const fewer: [TowerName, string][] = [];
    const startEngine = async (options: EngineOptions): Promise<Engine> => {
      started.push(options);
      return { run: () => Promise.reject(new Error("unused")), close: async () => {} };
    };
    const onFewerEngines = (tower: TowerName, { code }: EncoderError) => fewer.push([tower, code]);
    const encoder = await createEncoder({ modelsDir, threads: 2, replicas: 1 }, { onFewerEngines }, { startEngine });
    await encoder.close({ timeoutMs: 0 });
    return { started, fewer };
  }

  it("lets them share packed weights, and knows the graphs that they belong to", async () => {
    const { started, fewer } = await startSeveral();
    expect(started).toHaveLength(2);
    expect(fewer).toEqual([]);
    for (const { packed, graph, identity } of started) {
      expect(packed!.startsWith(join(modelsDir, ".packed"))).toBe(true);
      expect(basename(packed!)).toBe(basename(graph));
      expect(identity).toBe(await graphIdentity(graph));
    }
  });

  it("starts without that where there is no disk for it, and says so", async () => {
    await rm(join(modelsDir, ".packed"), { recursive: true, force: true });
    await writeFile(join(modelsDir, ".packed"), "");
    const folder = await mkdtemp("/dev/shm/encoder-test-"); // which lies in memory
    const before = process.env.TMPDIR;
    process.env.TMPDIR = folder;
    onTestFinished(async () => {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
      await rm(folder, { recursive: true });
    });
    const { started, fewer } = await startSeveral();
    expect(started.map(({ packed, threads }) => [packed, threads])).toEqual([
      [undefined, 2],
      [undefined, 2],
    ]);
    expect(fewer.sort()).toEqual([
      ["image", "STORAGE_FAILED"],
      ["text", "STORAGE_FAILED"],
    ]);
  });
});

describe("a health check", () => {
  it("is answered by one probe for all who ask, also when the first of them goes away", async () => {
    let runs = 0;
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const startEngine = async (): Promise<Engine> => ({
      async run([input]) {
        runs++;
        await held;
        return { embeddings: new Float32Array(input!.dims[0]! * 512).fill(1), inferenceMs: 1 };
      },
      close: async () => {},
    });
    const encoder = await createEncoder({ model }, {}, { startEngine });
    onTestFinished(() => encoder.close());
    const first = new AbortController();
    const gone = encoder.isHealthy({ maxAgeMs: 60_000, signal: first.signal });
    const stays = encoder.isHealthy({ maxAgeMs: 60_000 });
    await expect.poll(() => runs, { timeout: 20_000 }).toBe(2); // one in each tower
    first.abort(new Error("gone"));
    expect(await gone).toBe(false);
    release();
    expect(await stays).toBe(true);
    expect(runs).toBe(2);
  });
});

describe("a large request", () => {
  it.each([
    [1, 16],
    [3, 32],
  ])(
    "with %d engines has %d items in the queue at most, and tells how long they all waited",
    async (replicas, most) => {
      const depths: number[] = [];
      const observer = { onQueueDepth: (_tower: TowerName, depth: number) => depths.push(depth) };
      const startEngine = async (): Promise<Engine> => ({
        async run([input]) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          const rows = input!.dims[0]!;
          const embeddings = Float32Array.from({ length: rows * 512 }, (_, at) => at % 512);
          return { embeddings, inferenceMs: 20 };
        },
        close: async () => {},
      });
      const encoder = await createEncoder({ model, maxTextBatch: 8, replicas }, observer, { startEngine });
      onTestFinished(() => encoder.close());
      const startedAt = performance.now();
      const { embeddings, timings } = await encoder.encodeTexts(Array.from({ length: 200 }, (_, i) => `number ${i}`));
      const tookMs = performance.now() - startedAt;
      expect(embeddings).toHaveLength(200);
      for (const embedding of embeddings) expect(embedding).toHaveLength(512);
      expect(Math.max(...depths)).toBe(most);
      expect(timings.queueMs).toBeGreaterThan((200 / 8 / replicas - 2) * 20);
      expect(timings.queueMs).toBeLessThan(tookMs);
    },
  );
});

describe("a request under way", () => {
  it("is joined by an equal one, also where any other is refused", async () => {
    let runs = 0;
    const encoder = await encoderWith({ image: "works", text: "hangs" }, () => runs++);
    const ask = (text: string, msLeft: number, { patienceMs = msLeft } = {}) =>
      encoder.encodeTexts([text], { deadline: performance.now() + msLeft, signal: AbortSignal.timeout(patienceMs) });
    const first = ask("the same", 20_000);
    first.catch(() => {});
    await expect.poll(() => runs, { timeout: 20_000 }).toBe(1);
    await sleep(150); // only an engine that has run for as long as a request has time is known to hang
    const another = ask("another", 150, { patienceMs: 20_000 }); // a busy machine may take longer to refuse it
    await expect(another).rejects.toMatchObject({ code: "OVERLOADED" });
    await expect(ask("the same", 150)).rejects.toThrow(/timeout/); // it was accepted
  });
});
