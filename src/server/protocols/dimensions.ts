import { EncoderError } from "../../errors.ts";

/** @throws EncoderError INVALID_REQUEST if a client asks for vectors of another length than the model's */
export function requireDimensions(asked: number | null | undefined, { dimensions }: { dimensions: number }): void {
  if (asked == null || asked === dimensions) return;
  throw new EncoderError("INVALID_REQUEST", `dimensions: the model gives ${dimensions}, not ${asked}.`);
}
