import type { Engine } from "../../src/engine/contract.ts";

/** Starts engines that take their time: every vector of a batch is 512 ones, `ms` milliseconds after it was asked for. */
export function slowEngine(ms: number, onRun: () => void = () => {}): () => Promise<Engine> {
  return async () => ({
    async run([input]) {
      onRun();
      await new Promise((resolve) => setTimeout(resolve, ms));
      return { embeddings: new Float32Array(input!.dims[0]! * 512).fill(1), inferenceMs: ms };
    },
    close: async () => {},
  });
}
