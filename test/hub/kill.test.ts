import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openModel, verifyModel } from "../../src/model/folder.ts";
import { buildTinyModel, golden } from "../support/tiny-model.ts";
import { type LoopbackHub, startLoopbackHub } from "./loopback-hub.ts";

/** KILLS=200 npx vitest run test/hub/kill.test.ts tries more. */
const kills = Number(process.env.KILLS ?? 6);
const sizes: Record<string, number> = { "0_CLIPModel/model.safetensors": 1_688_284, "model.safetensors": 2_071_256 };

const wholeSizes = [...Object.values(sizes), 131_192]; // and that of 2_Dense/model.safetensors

let hub: LoopbackHub;
let root: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kill-"));
  hub = await startLoopbackHub({
    "tiny/clip": { directory: join(golden, "tiny/clip") },
    "tiny/text": { directory: join(golden, "tiny/text") },
  });
});
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await hub.close();
  await rm(root, { recursive: true, force: true });
});

function startPull(): ChildProcess {
  const args = [
    "pull",
    "--image",
    "tiny/clip",
    "--text",
    "tiny/text",
    "--out",
    join(root, "models/tiny"),
    "--precision",
    "fp32",
  ];
  const child = spawn(process.execPath, [resolve("bin/image-text-encoder"), ...args], {
    env: { PATH: process.env.PATH, HF_ENDPOINT: hub.endpoint, HF_HOME: join(root, "hf") },
    stdio: ["ignore", "inherit", "pipe"],
  });
  children.add(child);
  return child;
}

/** Uniform in [0, 1), the same in every run. */
function createRandom(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Kills the process for real when it has received so many bytes of a file, or as soon as it builds. */
async function killOnce(random: () => number) {
  const files = Object.keys(sizes);
  const path = files[Math.floor(random() * files.length)]!;
  const at = Math.floor(random() * sizes[path]!);
  const child = startPull();
  const exited = once(child, "exit");
  hub.fault = (request) =>
    request.path === path && request.host === "storage" && request.firstByte <= at
      ? { kind: "stall", afterBytes: at - request.firstByte, onSilence: () => child.kill("SIGKILL") }
      : undefined;
  child.stderr?.on("data", (text) => {
    if (String(text).includes("building the text tower")) child.kill("SIGKILL");
  });
  await exited;
}

/** Bytes of each file of which a part, and not all, is on disk. */
async function partialFiles(): Promise<number[]> {
  const folder = join(root, "models/.downloads");
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".incomplete"));
  const bytes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return bytes.filter((size) => size > 0 && !wholeSizes.includes(size));
}

it(
  `is whole after ${kills} kills at any byte`,
  async () => {
    const random = createRandom(20);
    for (let kill = 0; kill < kills; kill++) {
      await killOnce(random);
      // A kill that came too late leaves a model, and then it must be whole.
      for (const name of await readdir(join(root, "models"))) {
        if (name.startsWith(".")) continue;
        await verifyModel(await openModel(join(root, "models", name)));
        await rm(join(root, "models", name), { recursive: true });
      }
    }
    hub.fault = () => undefined;
    const unfinished = await partialFiles();
    const before = hub.requests.length;
    const [code] = await once(startPull(), "exit");
    expect(code).toBe(0);
    const resumed = hub.requests.slice(before).filter(({ host, firstByte }) => host === "storage" && firstByte > 0);
    expect(resumed.map(({ firstByte }) => firstByte).sort()).toEqual(unfinished.sort());

    const model = await openModel(join(root, "models/tiny"));
    await verifyModel(model);
    expect(model.manifest.files).toEqual((await openModel(await buildTinyModel())).manifest.files);
    expect((await readdir(join(root, "models"))).sort()).toEqual([".downloads", "tiny"]);
  },
  120_000 + kills * 5_000,
);
