import type { FastifySchemaCompiler } from "fastify";
import type { z } from "zod";
import { EncoderError } from "../errors.ts";

/** zod looks no further than the first fault: of 200 kB of wrong items it would make faults for a second. */
const firstFault: z.core.ParseContext<z.core.$ZodIssue> & { abortEarly: true } = { abortEarly: true };

/**
 * Checks what a request carries, and takes of it what the schema knows.
 * @returns EncoderError INVALID_REQUEST in a sentence: "texts[3]: expected string, received number."
 */
export const validate: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (data: unknown) => {
    const { data: value, error } = schema.safeParse(data, firstFault);
    return error ? { error: new EncoderError("INVALID_REQUEST", sentenceOf(error.issues[0]!)) } : { value };
  };

function sentenceOf(issue: z.core.$ZodIssue): string {
  const field = fieldName(issue.path);
  if (issue.code === "unrecognized_keys") {
    const name = JSON.stringify(issue.keys[0]!.slice(0, 64));
    return `${field || "The request"} has an unknown field ${name}.`;
  }
  return `${field || "The request body"}: ${issue.message.replace(/^Invalid input: /, "")}.`;
}

/** Writes images, 3, url as "images[3].url". */
function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}
