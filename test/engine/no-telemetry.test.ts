import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildTinyModel } from "../support/tiny-model.ts";

const run = promisify(execFile);
const built = new URL("../../dist/engine/engine.js", import.meta.url).href;
let directory: string;
beforeAll(async () => {
  directory = await buildTinyModel();
});
afterAll(() => rm(dirname(directory), { recursive: true }));

/** Opens a graph in a process that nothing tells to be silent, and gives what it left at home and what it warned of. */
async function openGraph(thread: "main" | "another") {
  const home = await mkdtemp(join(tmpdir(), "home-"));
  const options = { graph: join(directory, "text.onnx"), threads: 1, timeoutMs: 30_000 };
  const open = `import(${JSON.stringify(built)}).then(async ({ startEngine }) => {
    const engine = await startEngine(${JSON.stringify(options)});
    await engine.close();
  })`;
  const inThread = `new (require("node:worker_threads").Worker)(${JSON.stringify(open)}, { eval: true })`;
  const { CI, ORT_DISABLE_TELEMETRY, ...env } = process.env;
  try {
    const { stderr } = await run(process.execPath, ["-e", thread === "main" ? open : inThread], {
      env: { ...env, HOME: home, TMPDIR: home },
    });
    return { left: await readdir(home, { recursive: true }), warned: stderr };
  } finally {
    await rm(home, { recursive: true });
  }
}

describe("ONNX Runtime", () => {
  it("keeps neither a name of the machine nor events to send", async () => {
    expect(await openGraph("main")).toEqual({ left: [], warned: "" });
  });

  it("is told to be silent by the main thread, and by no other", async () => {
    expect((await openGraph("another")).warned).toContain("ORT_DISABLE_TELEMETRY=1");
  });
});
