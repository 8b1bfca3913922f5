import { join } from "node:path";
import { EncoderError } from "../errors.ts";
import { type IndexFacts, readFacts } from "../search/index-facts.ts";
import { type OwnFields, openVectorStore } from "../search/vector-store.ts";
import { acquireLock } from "../storage/lock.ts";
import { journalFolder } from "./encode-files.ts";
import { inputName } from "./index-inputs.ts";
import { removeThumbnails } from "./thumbnails.ts";
import { writeFacts } from "./update-index.ts";

export interface ForgetInputs {
  /** Absolute path of the index. */
  directory: string;
  /** Inputs as they were named to the index. They need not be there any more. */
  operands: readonly string[];
  dryRun: boolean;
}

/**
 * Removes all that an index has of some inputs, as whoever moved or dropped a folder wants it: pruning takes a folder that
 * is not there for a disk that is not mounted.
 * @returns the rows that went, or would go
 * @throws EncoderError CONFIG_INVALID where there is no such index, or it has no such input; OUTPUT_REFUSED where it is
 * being written.
 */
export async function forgetInputs({ directory, operands, dryRun }: ForgetInputs): Promise<OwnFields[]> {
  if (operands.length === 0) throw new EncoderError("CONFIG_INVALID", "Expected the inputs to forget.");
  const facts = await readFacts(directory);
  const numbers = new Set(operands.map((operand) => numberOf(operand, facts)));
  if (dryRun) return withStore(directory, facts, (store) => rowsFrom(numbers, store));
  const lock = await acquireLock({ directory: join(directory, journalFolder), ifHeld: "refuse" });
  try {
    return await withStore(directory, facts, async (store) => {
      const gone = await rowsFrom(numbers, store);
      await store.remove(gone.map(({ id }) => id));
      await removeThumbnails(gone, store, directory);
      await store.compact();
      await writeFacts(directory, { ...facts, updatedAt: new Date().toISOString() });
      return gone;
    });
  } finally {
    await lock.release();
  }
}

type Store = Awaited<ReturnType<typeof openVectorStore>>;

async function withStore<T>(directory: string, facts: IndexFacts, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await openVectorStore(directory, facts.dimensions);
  return use(store).finally(() => store.close());
}

function numberOf(operand: string, { inputs }: IndexFacts): number {
  const number = inputs.indexOf(inputName(operand));
  if (number >= 0) return number;
  const message = `The index has no input ${operand}; it has ${inputs.join(", ") || "none"}.`;
  throw new EncoderError("CONFIG_INVALID", message);
}

async function rowsFrom(inputs: ReadonlySet<number>, store: Store): Promise<OwnFields[]> {
  const rows: OwnFields[] = [];
  for await (const row of store.scan()) if (inputs.has(row.input)) rows.push(row);
  return rows;
}
