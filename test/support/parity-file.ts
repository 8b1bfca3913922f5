import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { ParityCase } from "../../scripts/parity/compare.ts";
import { unpackCorpus } from "../../scripts/parity/corpus.ts";

export const parityCorpus = unpackCorpus(
  readFileSync(resolve(import.meta.dirname, "../fixtures/parity/corpus.json.gz")),
);

/** One file of the parity corpus by its name. */
export function parityFile(name: string): ParityCase {
  const found = parityCorpus.find((it) => it.name === name);
  if (!found) throw new Error(`The parity corpus has no ${name}`);
  return found;
}
