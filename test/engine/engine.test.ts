import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFile, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { getPriority } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/contract.ts";
import { graphIdentity, startEngine } from "../../src/engine/engine.ts";
import { textTensors } from "../../src/text/tensors.ts";
import { entryBeside } from "../support/built-entry.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

const source = new URL("../../src/engine/engine.ts", import.meta.url).href;
let directory: string;
let graph: string;
const opened: Engine[] = [];

beforeAll(async () => {
  directory = await buildTinyModel();
  graph = join(directory, "text.onnx");
});
afterAll(async () => {
  await Promise.all(opened.map((engine) => engine.close()));
  await rm(dirname(directory), { recursive: true });
});

/** Starts an engine whose threads the test can get hold of. */
async function start(options: { timeoutMs?: number; script?: URL; heapMb?: number } = {}) {
  const workers: Worker[] = [];
  const deaths: string[] = [];
  const engine = await startEngine({
    graph,
    threads: 1,
    timeoutMs: options.timeoutMs ?? 30_000,
    onDeath: (reason) => deaths.push(reason),
    spawn: (workerData) => {
      const script = options.script ?? entryBeside(source, "worker").thread;
      const resourceLimits = options.heapMb === undefined ? {} : { maxOldGenerationSizeMb: options.heapMb };
      const worker = new Worker(script, { workerData, resourceLimits });
      workers.push(worker);
      return worker;
    },
  });
  opened.push(engine);
  return { engine, workers, deaths };
}

/** A thread that does this when it gets a batch, and ends when told. */
const silentThreadThat = (action: string) =>
  `data:text/javascript,import{parentPort as p}from'node:worker_threads';p.on('message',(m)=>{if(m==='end')process.exit();${action}});`;
/** The same, which says that it is ready. */
const threadThat = (action: string) => new URL(`${silentThreadThat(action)}p.postMessage({kind:'ready'})`);
const oneText = () => textTensors([[2, 79, 3]], { padId: 0 });
const longBatch = () =>
  textTensors(
    Array.from({ length: 400 }, () => Array<number>(128).fill(79)),
    { padId: 0 },
  );

describe("an engine", () => {
  it("gives one row per item, without touching the calling thread's graph library", async () => {
    const { engine } = await start();
    const { embeddings, inferenceMs } = await engine.run(
      textTensors(
        [
          [2, 79, 3],
          [2, 80, 81, 3],
        ],
        { padId: 0 },
      ),
    );
    expect(embeddings).toHaveLength(2 * 512);
    expect(inferenceMs).toBeGreaterThan(0);
  });

  it.skipIf(process.platform !== "linux")("gives way to the threads that feed it", async () => {
    const threads = async () => (await readdir("/proc/self/task")).map(Number);
    const before = await threads();
    const [own, othersBefore] = [getPriority(), before.map((thread) => getPriority(thread))];
    await start();
    const started = (await threads()).filter((thread) => !before.includes(thread));
    expect(started.map((thread) => getPriority(thread))).toContain(Math.min(19, own + 5));
    expect(before.map((thread) => getPriority(thread))).toEqual(othersBefore);
  });

  it("fails a batch that the graph refuses, and goes on with the same thread", async () => {
    const { engine, workers } = await start();
    const [ids] = oneText();
    await expect(engine.run([ids!])).rejects.toMatchObject({ code: "ENGINE_FAILED", internal: /attention_mask/ });
    expect((await engine.run(oneText())).embeddings).toHaveLength(512);
    expect(workers).toHaveLength(1);
  });

  it("fails the batch when its thread is killed, says so, and runs the next one in a new thread", async () => {
    const { engine, workers, deaths } = await start();
    const running = engine.run(longBatch());
    const outcome = expect(running).rejects.toMatchObject({ code: "ENGINE_FAILED" });
    await workers[0]!.terminate();
    await outcome;
    expect(deaths).toHaveLength(1);
    expect((await engine.run(oneText())).embeddings).toHaveLength(512);
    expect(workers).toHaveLength(2);
  });

  it("replaces a thread that dies between batches", async () => {
    const { engine, workers } = await start();
    await workers[0]!.terminate();
    expect((await engine.run(oneText())).embeddings).toHaveLength(512);
    expect(workers).toHaveLength(2);
  });

  it.each([
    ["throws", "throw new Error('broken')", "broken"],
    ["runs out of memory", "const kept=[];for(;;)kept.push(new Array(1000).fill(Math.random()))", "memory limit"],
  ])("fails the batch over which its thread %s, and replaces it", async (_how, action, reason) => {
    const { engine, workers, deaths } = await start({ script: threadThat(action), heapMb: 16 });
    for (let batch = 1; batch <= 2; batch++) {
      await expect(engine.run(oneText())).rejects.toMatchObject({ code: "ENGINE_FAILED" });
      expect(workers).toHaveLength(batch);
    }
    expect(deaths).toEqual(Array(2).fill(expect.stringContaining(reason)));
  });

  it("ends its start when it is asked to", async () => {
    const stop = new AbortController();
    const workers: Worker[] = [];
    const starting = startEngine({
      graph,
      threads: 1,
      timeoutMs: 1000,
      signal: stop.signal,
      spawn: () => {
        workers.push(new Worker(new URL(silentThreadThat("")))); // it never says that it is ready
        return workers[0]!;
      },
    });
    const outcome = expect(starting).rejects.toThrow("asked to stop");
    await expect.poll(() => workers).toHaveLength(1);
    const exited = once(workers[0]!, "exit");
    stop.abort(new Error("asked to stop"));
    await outcome;
    await exited;
  });

  it("gives up a batch that hangs", async () => {
    const script = threadThat("");
    const { engine, deaths } = await start({ timeoutMs: 100, script });
    await expect(engine.run(oneText())).rejects.toMatchObject({ code: "ENGINE_FAILED" });
    expect(deaths[0]).toContain("100 ms");
  });

  it("gives up a replacement that hangs while it loads, and tries another", async () => {
    const scripts = [threadThat(""), new URL(silentThreadThat("")), entryBeside(source, "worker").thread];
    const deaths: string[] = [];
    const workers: Worker[] = [];
    const engine = await startEngine({
      graph,
      threads: 1,
      timeoutMs: 6000,
      onDeath: (reason) => deaths.push(reason),
      spawn: (workerData) => {
        workers.push(new Worker(scripts[workers.length]!, { workerData }));
        return workers.at(-1)!;
      },
    });
    opened.push(engine);
    await workers[0]!.terminate();
    await expect(engine.run(oneText())).rejects.toMatchObject({ code: "ENGINE_FAILED" });
    expect(deaths.at(-1)).toBe("no graph within 6000 ms");
    expect((await engine.run(oneText())).embeddings).toHaveLength(512);
  });

  it("tries again to replace a thread whose replacement could not be started", async () => {
    const workers: Worker[] = [];
    let starts = 0;
    const engine = await startEngine({
      graph,
      threads: 1,
      timeoutMs: 30_000,
      spawn: (workerData) => {
        if (++starts === 2) throw new Error("no memory for a thread");
        workers.push(new Worker(entryBeside(source, "worker").thread, { workerData }));
        return workers.at(-1)!;
      },
    });
    opened.push(engine);
    await workers[0]!.terminate();
    const failure = { code: "ENGINE_FAILED", internal: expect.stringContaining("no memory for a thread") };
    await expect(engine.run(oneText())).rejects.toMatchObject(failure);
    expect((await engine.run(oneText())).embeddings).toHaveLength(512);
  });

  it("fails a batch whose vectors are no numbers", async () => {
    const weights = join(directory, "text.weights");
    const good = await readFile(weights);
    await writeFile(weights, Buffer.alloc(good.length, 0xff)); // NaN, as float32
    const { engine } = await start();
    await expect(engine.run(oneText())).rejects.toMatchObject({ code: "ENGINE_FAILED", internal: /not finite/ });
    await engine.close();
    await writeFile(weights, good);
  });

  it("reports a graph that cannot be loaded", async () => {
    const missing = startEngine({ graph: join(directory, "none.onnx"), threads: 1, timeoutMs: 1000 });
    await expect(missing).rejects.toMatchObject({ code: "ENGINE_FAILED" });
  });

  it("recovers when the graph's file was away while a thread died", async () => {
    const { engine, workers } = await start();
    await rename(graph, `${graph}.away`);
    await workers[0]!.terminate();
    for (let i = 0; i < 2; i++) await expect(engine.run(oneText())).rejects.toMatchObject({ code: "ENGINE_FAILED" });
    await rename(`${graph}.away`, graph);
    expect((await engine.run(oneText())).embeddings).toHaveLength(512);
  });

  it("does not go on with another file in the graph's place", async () => {
    const { engine, workers } = await start();
    await copyFile(graph, `${graph}.other`);
    await rename(graph, `${graph}.away`);
    await rename(`${graph}.other`, graph);
    expect((await engine.run(oneText())).embeddings).toHaveLength(512); // of the old one, which is mapped
    await workers[0]!.terminate();
    const replaced = { code: "ENGINE_FAILED", internal: expect.stringContaining("replaced") };
    for (let i = 0; i < 2; i++) await expect(engine.run(oneText())).rejects.toMatchObject(replaced);
    await rename(`${graph}.away`, graph);
    expect((await engine.run(oneText())).embeddings).toHaveLength(512);
  });

  it("does not start another file than the one that was there when the model was opened", async () => {
    const identity = await graphIdentity(graph);
    expect(identity).toBeDefined();
    const engine = await startEngine({ graph, threads: 1, timeoutMs: 60_000, identity });
    await engine.close();
    const other = startEngine({ graph, threads: 1, timeoutMs: 60_000, identity: "another" });
    await expect(other).rejects.toMatchObject({ code: "ENGINE_FAILED", internal: expect.stringContaining("replaced") });
  });

  it("lets the graph return before its thread ends, where it is closed or given up over a batch or while it loads", async () => {
    // In a process of its own, which the runtime's binding would end with SIGABRT.
    const script = `
      import { startEngine } from ${JSON.stringify(source)};
      import { textTensors } from ${JSON.stringify(new URL("../../src/text/tensors.ts", import.meta.url).href)};
      const options = { graph: ${JSON.stringify(graph)}, threads: 1, timeoutMs: 60_000 };
      const long = () => textTensors(Array.from({ length: 400 }, () => Array(128).fill(79)), { padId: 0 });
      const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      for (const ms of [0, 20, 60]) {
        const engine = await startEngine(options);
        engine.run(long()).catch(() => {});
        await later(ms);
        await engine.close();
        const stop = new AbortController();
        const starting = startEngine({ ...options, signal: stop.signal }).catch(() => {});
        setTimeout(() => stop.abort(), ms);
        await starting;
      }
      const engine = await startEngine({ ...options, timeoutMs: 30 });
      const failure = await engine.run(long()).then(() => "no failure", ({ code }) => code);
      await later(500);
      console.log(failure);
    `;
    const args = ["--import", "tsx", "--input-type=module", "--eval", script];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout.trim()).toBe("ENGINE_FAILED");
  }, 60_000);

  it("refuses work once closed", async () => {
    const { engine } = await start();
    await engine.close();
    await expect(engine.run(oneText())).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
  });
});
