import { z } from "zod";
import { type CheckpointFolder, readModules, refuseDefaultPrompt } from "../checkpoint/folder.ts";
import { clipText } from "./clip-text/reader.ts";
import { clipVision } from "./clip-vision/reader.ts";
import { distilbert } from "./distilbert/reader.ts";
import { gatedPair } from "./gated-pair/reader.ts";
import { gatedPairText } from "./gated-pair-text/reader.ts";
import { siglipText } from "./siglip-text/reader.ts";
import { siglipVision } from "./siglip-vision/reader.ts";
import type { Architecture, ImageTower, TextTower } from "./tower.ts";

const imageArchitectures: readonly Architecture<ImageTower>[] = [clipVision, siglipVision, gatedPair];
const textArchitectures: readonly Architecture<TextTower>[] = [distilbert, gatedPairText, clipText, siglipText];

/** @throws EncoderError CHECKPOINT_INVALID, as every reader. */
export function readImageTower(checkpoint: CheckpointFolder): Promise<ImageTower> {
  return readTower(checkpoint, imageArchitectures);
}

/** @throws EncoderError CHECKPOINT_INVALID, as every reader. */
export async function readTextTower(checkpoint: CheckpointFolder): Promise<TextTower> {
  await refuseDefaultPrompt(checkpoint);
  return readTower(checkpoint, textArchitectures);
}

async function readTower<Kind extends ImageTower | TextTower>(
  checkpoint: CheckpointFolder,
  architectures: readonly Architecture<Kind>[],
): Promise<Kind> {
  const modules = await readModules(checkpoint);
  const file = `${modules[0]!.path}config.json`;
  const { model_type } = await checkpoint.json(file, configSchema);
  const architecture = architectures.find(
    ({ modelTypes }) => model_type !== undefined && modelTypes.includes(model_type),
  );
  if (architecture) return architecture.read(checkpoint, modules);
  const known = architectures.flatMap(({ modelTypes }) => modelTypes.map((type) => JSON.stringify(type))).join(", ");
  const note = noteOn(model_type);
  throw checkpoint.refusal(`${file}: model_type: ${JSON.stringify(model_type)} is not implemented (${known})${note}`);
}

function noteOn(modelType = ""): string {
  if (modelType === "siglip2") return ": this is SigLIP 2's NaFlex variant; those of a fixed resolution are";
  const [, tower] = /_(text|vision)_model$/.exec(modelType) ?? [];
  if (!tower) return "";
  return tower === "text" ? ": this is a text tower alone, for --text" : ": this is an image tower alone, for --image";
}

const configSchema = z.object({ model_type: z.string().optional() });
