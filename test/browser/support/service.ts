import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { inject } from "vitest";

export const executable = resolve(import.meta.dirname, "../../../bin/image-text-encoder");

export interface RunningService {
  /** Ends with a slash. */
  url: string;
  stop(): Promise<void>;
}

/** Starts the service as users do, on a free port or the one that is given. */
export async function startService(settings: Record<string, string> = {}): Promise<RunningService> {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [executable, "serve"], {
    env: { PATH, HOME, HOST: "127.0.0.1", PORT: "0", MODELS_DIR: inject("modelsDir"), ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const url = await addressOf(child);
  return {
    url: `${url}/`,
    async stop() {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}

async function addressOf(child: ChildProcess): Promise<string> {
  let output = "";
  for await (const text of child.stdout!.setEncoding("utf8")) {
    output += text;
    const address = /listening at (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1];
    if (!address) continue;
    child.stdout!.resume(); // or its log would fill the pipe, and it would wait
    child.stderr!.resume();
    return address;
  }
  throw new Error(`The service ended: ${output}`);
}
