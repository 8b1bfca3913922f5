import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { EncoderError } from "../errors.ts";
import { buildId } from "../model/build-id.ts";
import type { Manifest } from "../model/manifest.ts";

const schema = z.object({
  formatVersion: z.literal(1),
  model: z.string(),
  buildId: z.string(),
  precision: z.string(),
  /**
   * Classes of the processors that made int8 vectors. Their vectors differ in the last bits and may be compared, so that this
   * is for people who wonder about small differences; nothing is refused for it.
   */
  processors: z.array(z.string()).default([]),
  dimensions: z.number().int().positive(),
  /** Absolute paths or URLs of what was indexed; rows name them by number. */
  inputs: z.array(z.string()),
  /** Absolute paths of the folders, as `nameOf` writes them, that rows' paths are relative to. */
  roots: z.array(z.string()),
  updatedAt: z.string(),
  /** The approximate index was built when there were so many pictures; 0 means that there is none. */
  optimizedFor: z.number().int().min(0).default(0),
});

/** Holds what index.json says of the index that it lies in. */
export type IndexFacts = z.output<typeof schema>;

const factsFile = "index.json";

export const factsPath = (directory: string) => join(directory, factsFile);

/** Gives the facts of an empty index for the model's pictures. */
export function newFacts(manifest: Manifest): IndexFacts {
  const { name: model, dimensions, image } = manifest;
  const identity = { model, buildId: buildId(manifest), precision: image.precision, dimensions };
  const updatedAt = new Date(0).toISOString();
  return { formatVersion: 1, ...identity, processors: [], inputs: [], roots: [], updatedAt, optimizedFor: 0 };
}

/** @throws EncoderError CONFIG_INVALID where there is no index, or one of another version. */
export async function readFacts(directory: string): Promise<IndexFacts> {
  const text = await readFile(factsPath(directory), "utf8").catch((cause) => {
    const message = "There is no index; make one with: image-text-encoder index FOLDER --index DIR";
    throw new EncoderError("CONFIG_INVALID", message, { cause, internal: directory });
  });
  const parsed = schema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new EncoderError("CONFIG_INVALID", "The index is damaged, or was made by another version of this program.", {
    internal: directory,
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Vectors of two models, or of two precisions of one, are never compared.
 * @throws EncoderError OUTPUT_REFUSED
 */
export function requireSameModel(facts: IndexFacts, manifest: Manifest): void {
  const own = newFacts(manifest);
  if (facts.buildId === own.buildId && facts.precision === own.precision) return;
  const describe = ({ model, buildId, precision }: IndexFacts) => `${model} (build ${buildId}, ${precision})`;
  const message = `The index was made with the model ${describe(facts)}, this is ${describe(own)}; choose that model, or another index.`;
  throw new EncoderError("OUTPUT_REFUSED", message);
}
