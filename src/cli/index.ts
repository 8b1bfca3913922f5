import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { encodeWith } from "../bulk/encode.ts";
import { createReading } from "../bulk/reading.ts";
import { newTally } from "../bulk/run.ts";
import { openSources } from "../bulk/sources/open-source.ts";
import { updateIndex } from "../bulk/update-index.ts";
import { indexSettings, inputSettings } from "../config/bulk.ts";
import { encoderSettings } from "../config/encoder.ts";
import { pickSettings } from "../config/setting.ts";
import { createEncoder } from "../encoder/encoder.ts";
import { createThumbnailer } from "../image/thumbnail.ts";
import { withHome } from "../model/locate.ts";
import { printable } from "../model/path-name.ts";
import { openVectorStore } from "../search/lance.ts";
import { count, showProgress } from "./bulk-progress.ts";
import { command } from "./command.ts";
import { countItems } from "./count-items.ts";
import { dryRun } from "./dry-run.ts";

const { text: _text, ...pictureSettings } = inputSettings;
const settings = { ...indexSettings, ...pictureSettings, ...encoderSettings };

/** The approximate index pays from this many pictures on: a search of all takes longer than a person wants to wait. */
const worthOptimizing = 100_000;

export const index = command({
  summary: "Bring a search index up to date with pictures; what is known already costs nothing",
  operands: "INPUT…",
  examples: [
    ["index photos/", "Makes or updates ./index.lance from the pictures of a folder."],
    ["index photos/ --prune --dry-run", "Tells which pictures of the index are gone from the folder."],
    [
      "index products.csv --column image_url --id-column sku --index shop.lance",
      "Pictures by URL; other columns can be filtered by.",
    ],
  ],
  exitCodes: {
    3: "some inputs failed; they are in errors.jsonl of the index",
    130: "interrupted; the same call goes on",
  },
  settings,
  async run({ values, operands, signal }) {
    const directory = resolve(withHome(values.index));
    const source = await openSources(operands, {
      ...values,
      text: false,
      reading: createReading(values),
      scratch: tmpdir(),
    });
    const encoder = await createEncoder(pickSettings(encoderSettings, values), {}, { signal });
    const thumbnails = createThumbnailer(values);
    try {
      if (values.dryRun && !values.prune) return await dryRun({ source, encode: encodeWith(encoder), signal, print });
      const tally = newTally();
      const total = { items: 0, isFinal: false };
      const counting = countItems(source, total, signal);
      const shown = showProgress({ tally, total }, { stream: process.stderr, asJson: values.jsonProgress });
      let pictures: number;
      let pruned = 0;
      try {
        pictures = await updateIndex({
          ...{ ...values, directory, operands, source, encoder, stop: signal, tally },
          retry: values.retryFailed === "none" ? undefined : values.retryFailed,
          thumbnail: (bytes, signal) => thumbnails.thumbnail(bytes, { width: 256, signal }),
          onPruned(path) {
            pruned++;
            if (values.dryRun) print(`would remove ${printable(path)}`);
          },
        });
      } finally {
        shown.stop();
        await counting.end();
      }
      const { encoded, known, failed } = tally;
      const gone = values.prune ? `, ${count(pruned)} ${values.dryRun ? "would be removed" : "removed"}` : "";
      const facts = `${count(encoded)} encoded, ${count(known)} known already, ${count(failed)} failed${gone}`;
      if (signal.aborted) {
        process.stderr.write(`${facts}; stopped: the same call goes on from here\n`);
        throw signal.reason;
      }
      print(`${facts}; the index ${values.index} holds ${count(pictures)} pictures`);
      await optimize({ directory, dimensions: encoder.manifest.dimensions, pictures, isWanted: values.optimize });
      return failed > 0 ? 3 : 0;
    } finally {
      await thumbnails.close();
      await encoder.close();
    }
  },
});

interface Optimize {
  directory: string;
  dimensions: number;
  pictures: number;
  isWanted: boolean;
}

/** Tells that it would pay where it was not asked for: nobody should wait for minutes unawares. */
async function optimize({ directory, dimensions, pictures, isWanted }: Optimize): Promise<void> {
  const store = await openVectorStore(directory, dimensions);
  try {
    if (isWanted && pictures > 0) {
      const startedAt = performance.now();
      process.stderr.write(`building the approximate index of ${count(pictures)} pictures…\n`);
      await store.buildIndex();
      print(`the approximate index was built in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    } else if (pictures >= worthOptimizing && !(await store.hasIndex())) {
      print("searches would be faster with an approximate index: add --optimize");
    }
  } finally {
    store.close();
  }
}

const print = (line: string) => process.stdout.write(`${line}\n`);
