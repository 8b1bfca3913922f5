import type { EncoderConfig } from "../config/encoder.ts";
import { type EngineOptions, spawnEngine } from "../engine/engine.ts";
import { entryBeside } from "../host/entry.ts";
import type { PixelSpec } from "../image/pixels.ts";

export interface PictureThreadData extends Pick<EncoderConfig, "maxImagePixels"> {
  spec: PixelSpec;
}

/** Gives what starts the thread of an engine that decodes small JPEGs beside its graph. */
export const spawnPictureEngine = (pictures: PictureThreadData): NonNullable<EngineOptions["spawn"]> => {
  const script = entryBeside(import.meta.url, "picture-thread").thread;
  return (workerData) => spawnEngine({ ...workerData, ...pictures }, script);
};
