import { EncoderError } from "../errors.ts";
import type { Manifest } from "../model/manifest.ts";

/** Clients send these that have no name, or that must send some name. */
const placeholders = ["", "default", "default/not-specified", "tei"];

/**
 * Checks the name by which a client asks for a model. Many models have vectors of the same length, so that a wrong one would
 * show in nothing but bad search.
 * @throws EncoderError UNKNOWN_MODEL
 */
export type CheckModel = (name: string | null | undefined) => void;

export interface ModelNames {
  manifest: Manifest;
  modelAliases: readonly string[];
  acceptAnyModel: boolean;
}

/** Knows the model's own name, the repositories of its towers, aliases, and placeholders, in any case. */
export function createModelCheck({ manifest, modelAliases, acceptAnyModel }: ModelNames): CheckModel {
  const { image, text } = manifest.sources;
  const names = [manifest.name, image.repository, text.repository, ...modelAliases, ...placeholders];
  const known = new Set(names.flatMap((name) => name?.toLowerCase() ?? []));
  return (name) => {
    if (acceptAnyModel || known.has((name ?? "").trim().toLowerCase())) return;
    const asked = JSON.stringify(name?.slice(0, 100));
    const message = `The model ${asked} is not served here; ${manifest.name} is. Name that one, or set MODEL_ALIASES.`;
    throw new EncoderError("UNKNOWN_MODEL", message);
  };
}
