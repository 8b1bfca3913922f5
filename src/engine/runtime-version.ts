import { createRequire } from "node:module";

/** Gives the version of ONNX Runtime without loading it: it takes 40 MiB, which engines need and their callers do not. */
export function runtimeVersion(): string {
  const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string }; // as npm wants it
  return version;
}
