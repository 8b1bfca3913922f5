import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  statfs,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openEmbedded } from "../../src/build/embedded.ts";
import { openPacked } from "../../src/build/packed.ts";
import { startEngine } from "../../src/engine/engine.ts";
import { openGraph, openSession, type SessionOptions } from "../../src/engine/session.ts";
import { packageRoot } from "../../src/host/package.ts";
import { openModel } from "../../src/model/folder.ts";
import type { Model } from "../../src/model/manifest.ts";
import { entryBeside } from "../support/built-entry.ts";
import { runCli } from "../support/run-cli.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

const towers = ["image", "text"] as const;
const models: Record<string, Model> = {};
beforeAll(async () => {
  models["tiny fp32"] = await openModel(await buildTinyModel());
  models["tiny int8"] = await openModel(await buildTinyModel("int8"));
  // It has convolutions, whose weights are laid out for the processor, and packed forms of all sizes.
  models["everyday-mini"] = await openEmbedded({ modelsDir: await diskFolder() });
});

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** Makes a folder that is removed after the tests. The system's temporary folder may lie in memory, this one does not. */
async function diskFolder(): Promise<string> {
  const folder = await mkdtemp(join(packageRoot, "node_modules/.packed-test-"));
  folders.push(folder);
  return folder;
}

/** Makes the graph's input for so many items, the same in every call. */
function inputOf({ manifest: { image, text } }: Model, tower: "image" | "text", items: number) {
  if (tower === "image") {
    const dims = [items, image.size, image.size, 3];
    const data = Uint8Array.from({ length: dims.reduce((a, b) => a * b) }, (_, at) => (at * 7919) % 251);
    return [{ name: "pixels", data, dims }];
  }
  const dims = [items, text.padding === "batch" ? 6 : text.padding];
  const data = BigInt64Array.from({ length: items * dims[1]! }, (_, at) => BigInt(3 + (at % 20)));
  const mask = new BigInt64Array(data.length).fill(1n);
  return [
    { name: "input_ids", data, dims },
    { name: "attention_mask", data: mask, dims },
  ];
}

async function open(model: Model, tower: "image" | "text", options: Partial<SessionOptions>) {
  const { graph, largestPair } = model.manifest[tower];
  const session = await openSession({ graph: join(model.directory, graph), threads: 1, largestPair, ...options });
  onTestFinished(() => session.close());
  return session;
}

/** Counts the bytes of a file that this process maps. */
async function mappedBytes(file: string): Promise<number> {
  const lines = (await readFile("/proc/self/maps", "utf8")).split("\n").filter((line) => line.endsWith(file));
  const sizes = lines.map((line) => {
    const [from, to] = line
      .split(" ")[0]!
      .split("-")
      .map((address) => Number.parseInt(address, 16));
    return to! - from!;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe.each(["tiny fp32", "tiny int8", "everyday-mini"])("a packed graph of %s", (name) => {
  it.each(towers)(
    "gives the %s vectors of the original, bit for bit, in any batch and on any threads",
    async (tower) => {
      const model = models[name]!;
      const packed = await openPacked({ model, tower, modelsDir: await diskFolder() });
      const original = await open(model, tower, {});
      for (const threads of [1, 2]) {
        const session = await open(model, tower, { packed, threads, mustBePacked: true });
        for (const items of [1, 2, 5]) {
          expect(await session.run(inputOf(model, tower, items))).toEqual(
            await original.run(inputOf(model, tower, items)),
          );
        }
      }
    },
  );
});

describe("packed weights", () => {
  const tmpfs = 0x01021994;
  let inTemporary: string;
  beforeAll(async () => {
    const { type } = await statfs(tmpdir());
    inTemporary = type === tmpfs ? "refused: this one lies in memory" : `in image-text-encoder-${process.getuid!()}`;
  });

  /** Tells where they were put, and removes them, or why they were not. */
  async function placeOf(asked: Promise<string>): Promise<string> {
    const packed = await asked.catch((error: Error) => error);
    if (packed instanceof Error) return `refused: ${/this one lies in memory/.exec(packed.message)}`;
    await rm(dirname(packed), { recursive: true });
    return `in ${packed.split("/").find((name) => name.startsWith("image-text-encoder-"))}`;
  }

  it.each(towers)("are mapped by every session that opens them, %s", async (tower) => {
    const model = models["everyday-mini"]!;
    const packed = await openPacked({ model, tower, modelsDir: await diskFolder() });
    const before = await mappedBytes(`${packed}.weights`);
    await open(model, tower, { packed });
    const once = (await mappedBytes(`${packed}.weights`)) - before;
    expect(once).toBeGreaterThan(1_000_000);
    await open(model, tower, { packed, threads: 2 });
    expect((await mappedBytes(`${packed}.weights`)) - before).toBe(2 * once);
  });

  it.each(towers)("serve an engine of two threads that is asked to run on one, %s", async (tower) => {
    const model = models["everyday-mini"]!;
    const { graph, largestPair } = model.manifest[tower];
    const start = async (packed: string | undefined) => {
      const options = { graph: join(model.directory, graph), packed, largestPair, threads: 2, timeoutMs: 60_000 };
      // The test's own copy of the module is of TypeScript, its thread is not.
      const script = entryBeside(new URL("../../src/engine/engine.ts", import.meta.url).href, "worker").thread;
      const engine = await startEngine({ ...options, spawn: (workerData) => new Worker(script, { workerData }) });
      onTestFinished(() => engine.close());
      return engine;
    };
    expect((await start(undefined)).runOnOneThread).toBeUndefined();
    const packed = await openPacked({ model, tower, modelsDir: await diskFolder() });
    const engine = await start(packed);
    const { embeddings } = await engine.run(inputOf(model, tower, 2));
    const mapped = await mappedBytes(`${packed}.weights`);
    for (let batch = 0; batch < 2; batch++) {
      expect((await engine.runOnOneThread!(inputOf(model, tower, 2))).embeddings).toEqual(embeddings);
      expect(await mappedBytes(`${packed}.weights`)).toBe(2 * mapped); // once more, and only once
    }
    const late = await start(packed);
    await rm(dirname(packed), { recursive: true });
    expect((await late.runOnOneThread!(inputOf(model, tower, 2))).embeddings).toEqual(embeddings); // on two, then
  });

  it("begin at multiples of 64, however small they are", async () => {
    const packed = await openPacked({ model: models["tiny int8"]!, tower: "text", modelsDir: await diskFolder() });
    const blobs = [...(await readFile(packed, "latin1")).matchAll(/\|(\d+);(\d+);/g)].map(([, offset]) =>
      Number(offset),
    );
    expect(blobs.length).toBeGreaterThan(2);
    expect(blobs.filter((offset) => offset % 64 !== 0)).toEqual([]);
  });

  it("are made once, also for several who ask at the same time, and found again by the next", async () => {
    const modelsDir = await diskFolder();
    const ask = () => openPacked({ model: models["tiny fp32"]!, tower: "text", modelsDir });
    const [first, ...others] = await Promise.all([ask(), ask(), ask()]);
    expect(new Set(others)).toEqual(new Set([first]));
    const { mtimeMs, ino } = await stat(first!);
    expect(await ask()).toBe(first);
    expect(await stat(first!)).toMatchObject({ mtimeMs, ino });
    expect(await readdir(join(modelsDir, ".packed"))).toEqual([basename(dirname(first!))]);
    expect((await readdir(dirname(first!))).sort()).toEqual(["packed.json", "text.onnx", "text.onnx.weights"]);
  });

  it("of another model are others", async () => {
    const modelsDir = await diskFolder();
    const ask = (name: string) => openPacked({ model: models[name]!, tower: "text", modelsDir });
    expect(await ask("tiny fp32")).not.toBe(await ask("tiny int8"));
  });

  it("go with their model, and others stay", async () => {
    const modelsDir = await diskFolder();
    await cp(models["tiny fp32"]!.directory, join(modelsDir, "tiny"), { recursive: true });
    const model = await openModel(join(modelsDir, "tiny"));
    for (const tower of towers) await openPacked({ model, tower, modelsDir });
    const other = await openPacked({ model: models["tiny int8"]!, tower: "text", modelsDir });
    expect(await readdir(join(modelsDir, ".packed"))).toHaveLength(3);
    expect(await runCli(["models", "remove", "tiny"], { MODELS_DIR: modelsDir })).toMatchObject({ code: 0 });
    expect(await readdir(join(modelsDir, ".packed"))).toEqual([basename(dirname(other))]);
  });

  it("that nobody has used for a month go when others are made", async () => {
    const modelsDir = await diskFolder();
    const ask = (name: string) => openPacked({ model: models[name]!, tower: "text", modelsDir });
    const old = await ask("tiny fp32");
    const recent = await ask("tiny int8");
    const longAgo = new Date(Date.now() - 31 * 24 * 60 * 60 * 1000);
    for (const packed of [old, recent]) await utimes(dirname(packed), longAgo, longAgo);
    expect(await ask("tiny int8")).toBe(recent); // which uses it
    await openPacked({ model: models["tiny fp32"]!, tower: "image", modelsDir });
    await expect(stat(old)).rejects.toThrow("ENOENT");
    await stat(recent);
  });

  it("that are damaged or gone are made anew by the next start, and an engine that meets them packs for itself", async () => {
    const model = models["tiny fp32"]!;
    const modelsDir = await diskFolder();
    const ask = () => openPacked({ model, tower: "text", modelsDir });
    const packed = await ask();
    const input = () => inputOf(model, "text", 2);
    const right = await (await open(model, "text", {})).run(input());
    const damages = [
      () => truncate(`${packed}.weights`, 100),
      () => writeFile(packed, "no graph"),
      () => rm(packed),
      () => rm(join(dirname(packed), "packed.json")),
    ];
    for (const damage of damages) {
      await damage();
      expect(await (await open(model, "text", { packed })).run(input())).toEqual(right);
      expect(await ask()).toBe(packed);
      const remade = await openGraph(packed, { threads: 1 });
      await remade.release();
    }
    await rm(packed);
    const { graph } = model.manifest.text;
    const required = { graph: join(model.directory, graph), threads: 1, packed, mustBePacked: true };
    await expect(openSession(required)).rejects.toThrow(); // an engine for load has no copy of its own
  });

  it("are not taken from a folder that others may write to", async () => {
    const modelsDir = await diskFolder();
    const ask = () => openPacked({ model: models["tiny fp32"]!, tower: "text", modelsDir });
    const packed = await ask();
    await writeFile(join(dirname(packed), "mark"), "");
    expect(await ask()).toBe(packed);
    expect(await readdir(dirname(packed))).toContain("mark");
    await chmod(dirname(packed), 0o777);
    expect(await ask()).toBe(packed);
    expect(await readdir(dirname(packed))).not.toContain("mark"); // it was made anew
  });

  it("are not made of files that are not those of the manifest", async () => {
    const model = models["tiny fp32"]!;
    const directory = join(await diskFolder(), "model");
    await mkdir(directory);
    for (const file of await readdir(model.directory)) {
      await copyFile(join(model.directory, file), join(directory, file));
    }
    const weights = await readFile(join(directory, "text.weights"));
    weights[weights.length >> 1]! ^= 64;
    await writeFile(join(directory, "text.weights"), weights);
    const modelsDir = await diskFolder();
    const asked = openPacked({ model: { ...model, directory }, tower: "text", modelsDir });
    await expect(asked).rejects.toMatchObject({ code: "MODEL_INVALID" });
    expect(await readdir(join(modelsDir, ".packed"))).toEqual([]);
  });

  it("go into this user's temporary folder where MODELS_DIR is no folder", async () => {
    const modelsDir = join(await diskFolder(), "file");
    await writeFile(modelsDir, "");
    expect(await placeOf(openPacked({ model: models["tiny fp32"]!, tower: "text", modelsDir }))).toBe(inTemporary);
  });

  it("are not kept in memory", async () => {
    const modelsDir = `/dev/shm/packed-test-${process.pid}`;
    await mkdir(modelsDir);
    onTestFinished(() => rm(modelsDir, { recursive: true }));
    expect(await placeOf(openPacked({ model: models["tiny fp32"]!, tower: "image", modelsDir }))).toBe(inTemporary);
    expect(await readdir(join(modelsDir, ".packed"))).toEqual([]);
  });

  it("are not made of a graph that cannot be opened, and leave nothing behind", async () => {
    const directory = join(await diskFolder(), "model");
    await mkdir(directory);
    const model = models["tiny fp32"]!;
    for (const file of await readdir(model.directory))
      await copyFile(join(model.directory, file), join(directory, file));
    await truncate(join(directory, "text.weights"), 100);
    const modelsDir = await diskFolder();
    const asked = openPacked({ model: { ...model, directory }, tower: "text", modelsDir });
    await expect(asked).rejects.toMatchObject({ code: "ENGINE_FAILED", message: "The weights could not be packed." });
    expect(await readdir(join(modelsDir, ".packed"))).toEqual([]);
  });

  it("are given up with the start that they are for", async () => {
    const signal = AbortSignal.abort(new Error("stopped"));
    const modelsDir = await diskFolder();
    const asked = openPacked({ model: models["tiny fp32"]!, tower: "text", modelsDir, signal });
    await expect(asked).rejects.toThrow("stopped");
  });
});
