import { join } from "node:path";
import type { Tensor } from "../../src/engine/contract.ts";
import { openSession } from "../../src/engine/session.ts";
import { openModel } from "../../src/model/folder.ts";
import { textTensors } from "../../src/text/tensors.ts";
import { openTokenizer } from "../../src/text/tokenizer.ts";

/** Runs the graphs of one model with nothing around them, fed with what the service would feed them. */
export interface RawEngine {
  /** Runs batch after batch and gives items per second. */
  imagesPerSecond(seconds: number): Promise<number>;
  textsPerSecond(seconds: number): Promise<number>;
  close(): Promise<void>;
}

/** @param sentences in the order in which they reach the service; nobody sorts them by length beforehand */
export async function openRawEngine(options: {
  directory: string;
  threads: number;
  imageBatch: number;
  textBatch: number;
  sentences: string[];
}): Promise<RawEngine> {
  const { directory, threads, imageBatch, textBatch, sentences } = options;
  const { manifest } = await openModel(directory);
  const { size } = manifest.image;
  const pixels = Uint8Array.from({ length: imageBatch * size * size * 3 }, (_, at) => (at * 7919) % 251);
  const pictures: Tensor[] = [{ name: "pixels", data: pixels, dims: [imageBatch, size, size, 3] }];

  const file = join(directory, manifest.text.tokenizer);
  const tokenizer = openTokenizer({ file, maxTokens: manifest.text.maxTokens });
  const tokens = await tokenizer.tokenize(sentences, new AbortController().signal);
  const ids = tokens.map((it) => it.ids);
  const batches: Tensor[][] = [];
  for (let at = 0; at < ids.length; at += textBatch) {
    batches.push(textTensors(ids.slice(at, at + textBatch), manifest.text));
  }
  const open = ({ graph, largestPair }: { graph: string; largestPair?: number | undefined }) =>
    openSession({ graph: join(directory, graph), threads, largestPair });
  const [image, text] = [await open(manifest.image), await open(manifest.text)];
  return {
    imagesPerSecond: (seconds) => rate(seconds, async () => image.run(pictures).then(() => imageBatch)),
    textsPerSecond(seconds) {
      let turn = 0;
      return rate(seconds, async () => {
        const batch = batches[turn++ % batches.length]!;
        await text.run(batch);
        return batch[0]!.dims[0]!;
      });
    },
    async close() {
      await Promise.all([image.close(), text.close()]);
    },
  };
}

async function rate(seconds: number, run: () => Promise<number>): Promise<number> {
  await run();
  const startedAt = performance.now();
  let items = 0;
  let elapsed = 0;
  while (elapsed < seconds * 1000) {
    items += await run();
    elapsed = performance.now() - startedAt;
  }
  return (items * 1000) / elapsed;
}
