import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";

const source = new URL("../../src/cli/stop-signal.ts", import.meta.url).href;

describe("the second signal", () => {
  it("ends the process by itself and at once, while a thread is in native code that does not return", async () => {
    const script = `
      import { Worker } from "node:worker_threads";
      import { stopOnSignals } from ${JSON.stringify(source)};
      stopOnSignals().signal.addEventListener("abort", () => console.log("stopping"));
      const busy = "require('worker_threads').parentPort.postMessage(0); require('fs').readSync(0, Buffer.alloc(1))";
      new Worker(busy, { eval: true, execArgv: [] }).on("message", () => console.log("busy"));
    `;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script]);
    const ended = once(child, "exit");
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    await expect.poll(() => output, { timeout: 30_000 }).toContain("busy");
    child.kill("SIGTERM");
    await expect.poll(() => output, { timeout: 30_000 }).toContain("stopping");
    child.kill("SIGTERM");
    expect(await ended).toEqual([null, "SIGTERM"]);
  }, 90_000);
});
