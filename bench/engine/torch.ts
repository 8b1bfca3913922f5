import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

/** Runs PyTorch on the same checkpoints, in a process of its own (bench/peers/torch_engine.py). */
export interface TorchEngine {
  /** Runs one batch and gives its milliseconds. */
  run(batch: { tower: "image" | "text"; type: "float32" | "bfloat16"; batch: number; tokens: number }): Promise<number>;
  stop(): Promise<void>;
}

/** @param python an interpreter that has bench/peers/requirements.txt installed */
export async function startTorch(
  python: string,
  { imageDir, textDir, threads }: { imageDir: string; textDir: string; threads: number },
): Promise<TorchEngine> {
  const script = resolve(import.meta.dirname, "../peers/torch_engine.py");
  const child = spawn(python, [script, imageDir, textDir, String(threads)], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("torch_engine.py ended");
    return value;
  };
  await nextLine(); // "ready"
  return {
    async run({ tower, type, batch, tokens }) {
      child.stdin.write(`${tower} ${type} ${batch} ${tokens}\n`);
      return Number(await nextLine());
    },
    async stop() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}
