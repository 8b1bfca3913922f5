import { openModel } from "../model/folder.ts";
import { locateModel, withHome } from "../model/locate.ts";
import type { Model } from "../model/manifest.ts";
import { type EmbeddedOptions, openEmbedded } from "./embedded.ts";

/**
 * Opens the model that the settings name: an installed one, a folder, or the embedded one, built on its first use.
 * @throws EncoderError MODEL_INVALID saying what is wrong and how to mend it.
 */
export async function resolveModel({ model, ...options }: EmbeddedOptions & { model: string }): Promise<Model> {
  const { modelsDir } = options;
  const location = await locateModel({ model, modelsDir });
  if (location.kind === "folder") return openModel(location.directory);
  return openEmbedded({ ...options, modelsDir: withHome(modelsDir) });
}
