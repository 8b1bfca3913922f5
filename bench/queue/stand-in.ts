import { createBudget } from "../../src/bulk/items/budget.ts";
import type { FileReading } from "../../src/bulk/items/file-item.ts";
import { urlItem } from "../../src/bulk/items/url-item.ts";
import type { Source } from "../../src/bulk/sources/source.ts";
import type { ShardWork } from "../../src/queue/process-shard.ts";
import { openRoots } from "../../src/queue/roots.ts";
import type { ModelFacts } from "../../src/queue/shard.ts";
import type { SharedStore } from "../../src/queue/store.ts";

/** The stand-in gives vectors of the usual size, so that parts weigh what they would. */
export const dimensions = 512;

export const facts: ModelFacts = { name: "stand-in", build: "0", precision: "fp32", version: "0" };

/** As long as addresses of pictures are in public data sets. */
export const urlOf = (number: number) =>
  `https://pictures.example.com/catalog/2026/11/${String(number).padStart(12, "0")}-640x480-original.jpg`;

/** Two numbers that float32 holds exactly stand for the picture, so that each vector tells whose it is. */
export const marksOf = (number: number): [number, number] => [Math.floor(number / 10_000), number % 10_000];

const bytesOfUrls: FileReading = {
  budget: createBudget(1 << 30),
  fetcher: { fetchImage: async (url) => ({ bytes: Buffer.from(url), release: () => {} }) },
  maxImageBytes: 1 << 20,
};

/** Lists references to pictures that nobody fetches. */
export function standInSource(count: number): Source {
  return {
    async *items() {
      for (let number = 0; number < count; number++) {
        yield urlItem({ url: urlOf(number), key: String(number), columns: {} }, bytesOfUrls);
      }
    },
    async count(_signal, onMore) {
      onMore(count, 0);
      return true;
    },
  };
}

/** Everything that a worker does, but for fetching, decoding and the graph. */
export async function standInWork(store: SharedStore): Promise<ShardWork> {
  return {
    store,
    roots: await openRoots([]),
    reading: bytesOfUrls,
    async encode(input) {
      const [, number] = /\/(\d{12})-/.exec(Buffer.from(input as Uint8Array).toString())!;
      const vector = new Float32Array(dimensions);
      vector.set(marksOf(Number(number)));
      return vector;
    },
    dimensions,
    models: { image: facts, text: facts },
    itemTimeoutMs: 60_000,
  };
}
