import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { resolve } from "node:path";
import { onTestFinished } from "vitest";

const executable = resolve(import.meta.dirname, "../../bin/image-text-encoder");

export interface Running {
  child: ChildProcess;
  /** Gives everything written to either stream so far. */
  output(): string;
  /** Resolves when the output has the text, rejects when the process ends before. */
  says(text: string | RegExp): Promise<string>;
  ended: Promise<Outcome>;
}

export interface Outcome {
  /** The exit code as a shell gives it: a process that a signal ended has 128 and the signal's number. */
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Starts the executable as users do, with an environment that has no settings but those given.
 * @param before a shell command that runs first, such as one that sets a limit
 */
export function startCli(args: string[], env: Record<string, string> = {}, before = "true"): Running {
  return start(executable, args, env, before);
}

/** Runs an executable of another installation. */
export const runExecutable = (executable: string, args: string[]): Promise<Outcome> =>
  start(executable, args, {}, "true").ended;

function start(executable: string, args: string[], env: Record<string, string>, before: string): Running {
  const { PATH, HOME, TMPDIR } = process.env;
  const clean = Object.fromEntries(Object.entries({ PATH, HOME, TMPDIR }).filter(([, value]) => value !== undefined));
  const child = spawn("sh", ["-c", `${before} && exec "$0" "$@"`, process.execPath, executable, ...args], {
    env: { ...clean, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]!.setEncoding("utf8").on("data", (text: string) => {
      written[name] += text;
      child.emit("written");
    });
  }
  const ended = once(child, "close").then((close) => {
    const [code, signal] = close as [number | null, NodeJS.Signals]; // it has one of them
    return { code: code ?? 128 + constants.signals[signal], ...written };
  });
  const output = () => written.stdout + written.stderr;
  return {
    child,
    output,
    ended,
    async says(text) {
      const search = () => output().match(text)?.[0];
      for (;;) {
        const found = search();
        if (found !== undefined) return found;
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it ended: ${output()}`);
        await Promise.race([once(child, "written"), ended]);
      }
    },
  };
}

export const runCli = (...call: Parameters<typeof startCli>): Promise<Outcome> => startCli(...call).ended;
