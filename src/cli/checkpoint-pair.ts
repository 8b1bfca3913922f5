import { text } from "../config/setting.ts";
import { EncoderError } from "../errors.ts";

/**
 * Declares the flags that name where both towers come from: one checkpoint that holds them, or one for each.
 * @param expects says what a value is, such as "a folder"
 */
export function checkpointSettings(expects: string) {
  const one = (help: string) => text(expects, { default: "", help });
  return {
    checkpoint: one("Checkpoint that holds both towers, like those of CLIP and SigLIP."),
    image: one("Checkpoint of the image tower, with --text instead of --checkpoint."),
    text: one("Checkpoint of the text tower, with --image instead of --checkpoint."),
  };
}

type CheckpointPair = Record<"image" | "text", string>;

/**
 * Reads the flags; the result is undefined where no checkpoint is named.
 * @throws EncoderError CONFIG_INVALID where the flags do not fit together.
 */
export function checkpointPair(
  { checkpoint, image, text }: CheckpointPair & { checkpoint: string },
  usage: string,
): CheckpointPair | undefined {
  if (checkpoint && !image && !text) return { image: checkpoint, text: checkpoint };
  if (!checkpoint && image && text) return { image, text };
  if (!checkpoint && !image && !text) return undefined;
  throw new EncoderError("CONFIG_INVALID", `Expected: ${usage}`);
}
