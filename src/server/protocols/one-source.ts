import { EncoderError } from "../../errors.ts";
import type { Source } from "../items.ts";

export const noJoint = "CLIP has no vector for text and image together";

/**
 * Reduces an item of several parts to one: its texts joined, or its only image.
 * @throws EncoderError INVALID_REQUEST if it is neither, or more
 */
export function oneSource({ texts, images, name }: { texts: string[]; images: string[]; name: string }): Source {
  const [image] = images;
  if (image !== undefined && images.length === 1 && texts.length === 0) return { either: image };
  if (image === undefined && texts.length > 0) return { text: texts.join("\n") };
  const found = images.length + texts.length === 0 ? "nothing" : "more";
  const message = `${name} must hold text or one image, and holds ${found}; ${noJoint}.`;
  throw new EncoderError("INVALID_REQUEST", message);
}
