import { open } from "node:fs/promises";
import { join } from "node:path";
import type { EncoderError } from "../errors.ts";
import { storing } from "../storage/storing.ts";

/** Writes errors.jsonl: one line for each input of the run that has no vector, in the order of the input. */
export interface ErrorList {
  add(input: string, error: EncoderError): Promise<void>;
  close(): Promise<void>;
}

/** Starts the list anew. */
export async function createErrorList(directory: string): Promise<ErrorList> {
  const handle = await storing(() => open(join(directory, "errors.jsonl"), "w"));
  return {
    add: (input, { code, message }) =>
      storing(async () => {
        await handle.appendFile(`${JSON.stringify({ input, code, error: message })}\n`);
      }),
    close: () => handle.close(),
  };
}
