import { z } from "zod";
import { EncoderError } from "../../errors.ts";

const ends = "expected END or NONE: of a text that is too long the model reads the start";

/** Says what becomes of texts that are too long: NVIDIA NIM and Cohere have words for it, and others true or false. */
export const truncate = z.union([z.enum(["END", "NONE"]), z.boolean()], ends).nullish();

/** @throws EncoderError TEXT_TOO_LONG where the client does not want a text to be cut, and one was. */
export function requireWhole(
  wanted: z.output<typeof truncate>,
  { truncated, maxTokens }: { truncated: number; maxTokens: number },
): void {
  if (truncated === 0 || !(wanted === "NONE" || wanted === false)) return;
  const message = `A text is longer than the ${maxTokens} tokens that the model reads; let it be truncated, or cut it.`;
  throw new EncoderError("TEXT_TOO_LONG", message);
}
