import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    modelsDir: string;
  }
}

/** Makes the folder in which the embedded model is built once for all files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const modelsDir = await mkdtemp(join(tmpdir(), "browser-models-"));
  project.provide("modelsDir", modelsDir);
  return () => rm(modelsDir, { recursive: true, force: true });
}
