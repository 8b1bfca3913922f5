import { buildId } from "../model/build-id.ts";
import type { Manifest } from "../model/manifest.ts";
import type { ModelFacts } from "./shard.ts";

/** What must be the same at everybody who takes part in a run. */
export function modelFacts(manifest: Manifest, tower: "image" | "text", version: string): ModelFacts {
  return { name: manifest.name, build: buildId(manifest), precision: manifest[tower].precision, version };
}
