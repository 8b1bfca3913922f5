import { z } from "zod";
import { EncoderError } from "../errors.ts";

/**
 * A shard that has killed workers is done input by input. Before each one begins, its number is noted where it outlives the
 * worker; so the input that was under way when a worker died is known, and the second time it is taken for poison. Halving the
 * shard again and again would find it too, but at the price of a dead worker for each halving.
 */
const suspicionsSchema = z.object({
  /** Counts how often an input was begun and not ended, by its number in the shard. */
  begun: z.record(z.string(), z.int()).default({}),
});

export type Suspicions = z.infer<typeof suspicionsSchema>;

export interface SuspicionStore {
  /** What an earlier worker stored last, which whoever can write to the queue may have replaced. */
  stored: unknown;
  store(suspicions: Suspicions): Promise<void>;
}

/** An input counts as poison once this many workers have died over it. Once may be chance. */
const deathsUntilPoison = 2;

export type Around = <T>(index: number, work: () => Promise<T>) => Promise<T>;

/** @returns what wraps the work of each input; it throws POISON_INPUT for one that has killed often enough */
export async function createSuspicion({ stored, store }: SuspicionStore, signal: AbortSignal): Promise<Around> {
  const { begun } = suspicionsSchema.safeParse(stored).data ?? { begun: {} };
  return async (index, work) => {
    const deaths = begun[index] ?? 0;
    if (deaths >= deathsUntilPoison) {
      throw new EncoderError("POISON_INPUT", "Two worker processes died while they worked on this input alone.");
    }
    begun[index] = deaths + 1;
    await store({ begun });
    try {
      return await work();
    } finally {
      delete begun[index];
      if (signal.aborted) await store({ begun }).catch(() => {}); // this worker ends, but the input did not end it
    }
  };
}
