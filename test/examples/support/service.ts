import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    serviceUrl: string;
  }
}

const executable = resolve(import.meta.dirname, "../../../bin/image-text-encoder");

/** Runs one service with the embedded model for all examples. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const modelsDir = await mkdtemp(join(tmpdir(), "examples-models-"));
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [executable, "serve"], {
    env: { PATH, HOME, HOST: "127.0.0.1", PORT: "0", MODELS_DIR: modelsDir },
    stdio: ["ignore", "pipe", "inherit"],
  });
  project.provide("serviceUrl", await addressIn(child.stdout));
  child.stdout.resume(); // or its log would fill the pipe, and it would wait
  return async () => {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    await rm(modelsDir, { recursive: true, force: true });
  };
}

async function addressIn(stdout: Readable): Promise<string> {
  let output = "";
  for await (const text of stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    output += text;
    const [, url] = /listening at (http:\/\/127\.0\.0\.1:\d+)/.exec(output) ?? [];
    if (url) return url;
  }
  throw new Error(`The service ended: ${output}`);
}
