import type { EncoderError } from "../errors.ts";
import { openModel } from "../model/folder.ts";
import { locateModel, withHome } from "../model/locate.ts";
import type { Model } from "../model/manifest.ts";
import { openEmbedded } from "./embedded.ts";

export interface ResolveOptions {
  model: string;
  modelsDir: string;
  signal?: AbortSignal;
  /** Called with the reason if the model is built into a temporary folder: `modelsDir` cannot be written. */
  onTemporary?: (reason: EncoderError) => void;
}

/**
 * Opens the model that the settings name: an installed one, a folder, or the embedded one, which is built on its first
 * use.
 * @throws EncoderError MODEL_INVALID saying what is wrong and how to mend it.
 */
export async function resolveModel({ model, modelsDir, signal, onTemporary }: ResolveOptions): Promise<Model> {
  const location = await locateModel({ model, modelsDir });
  if (location.kind === "folder") return openModel(location.directory);
  return openEmbedded({ modelsDir: withHome(modelsDir), signal, onTemporary });
}
