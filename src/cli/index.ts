import { tmpdir } from "node:os";
import { encodeWith } from "../bulk/encode-files.ts";
import { findGone } from "../bulk/find-gone.ts";
import { forgetInputs } from "../bulk/forget-inputs.ts";
import { createReading } from "../bulk/items/reading.ts";
import { optimizeIndex } from "../bulk/optimize-index.ts";
import { openSources } from "../bulk/sources/open-source.ts";
import { updateIndex } from "../bulk/update-index.ts";
import { indexPath, indexSettings, inputSettings } from "../config/bulk.ts";
import { decodeSettings, encoderSettings } from "../config/encoder.ts";
import { pickSettings } from "../config/setting.ts";
import { createEncoder } from "../encoder/encoder.ts";
import { createThumbnailer } from "../image/thumbnail.ts";
import { printable } from "../model/path-name.ts";
import { openVectorStore } from "../search/vector-store.ts";
import { absoluteFolder } from "./absolute-folder.ts";
import { callBulk } from "./bulk-call.ts";
import { command } from "./command.ts";
import { dryRun } from "./dry-run.ts";
import { count } from "./progress-text.ts";
import { interruptedCodes } from "./stop-signal.ts";

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
    ["index old-photos/ --forget", "Removes what came from a folder that was moved or dropped."],
    [
      "index products.csv --column image_url --id-column sku --index shop.lance",
      "Pictures by URL; other columns can be filtered by.",
    ],
  ],
  exitCodes: { 3: "some inputs failed; they are in errors.jsonl of the index", ...interruptedCodes },
  settings,
  async run({ values, operands, signal }) {
    const directory = absoluteFolder(indexPath(values.index));
    if (values.forget) return tellGone(await forgetInputs({ directory, operands, dryRun: values.dryRun }), values);
    const reading = createReading(values);
    const source = await openSources(operands, { ...values, text: false, reading, scratch: tmpdir() });
    if (values.dryRun && values.prune) return tellGone(await findGone({ directory, operands, source }), values);
    const start = { signal, towers: ["image"], isBulk: true } as const;
    const encoder = await createEncoder(pickSettings(encoderSettings, values), {}, start);
    const thumbnails = createThumbnailer(pickSettings(decodeSettings, values));
    try {
      if (values.dryRun) return await dryRun({ source, encode: encodeWith(encoder), signal, print });
      let pictures = 0;
      const code = await callBulk({ ...values, source, signal }, async (tally) => {
        let pruned = 0;
        let unpruned = "";
        pictures = await updateIndex({
          ...{ ...values, directory, operands, source, encoder, stop: signal, tally },
          retry: values.retryFailed === "none" ? undefined : values.retryFailed,
          thumbnail: (bytes, signal) => thumbnails.thumbnail(bytes, { width: 256, signal }),
          onPruned: () => pruned++,
          onNotPruned(reason) {
            unpruned = ` (${printable(reason)})`;
          },
        });
        const gone = values.prune ? `, ${count(pruned)} removed${unpruned}` : "";
        const where = indexPath(values.index);
        const failures = tally.failed > 0 ? `; ${where}/errors.jsonl says what failed` : "";
        return `${gone}; the index ${where} holds ${count(pictures)} picture${pictures === 1 ? "" : "s"}${failures}`;
      });
      if (process.stdout.isTTY && pictures > 0) print(searchHint(values.index));
      await optimize({ directory, dimensions: encoder.manifest.dimensions, pictures, isWanted: values.optimize });
      return code;
    } finally {
      await thumbnails.close();
      await encoder.close();
    }
  },
});

/** Says to a person at a terminal what an index is for. */
function searchHint(index: string): string {
  const option = index === "" ? "" : ` --index ${index}`;
  const page = `image-text-encoder serve --index ${indexPath(index)}`;
  return `search it with: image-text-encoder search "a red bicycle"${option}, or see it at http://127.0.0.1:5555 with: ${page}`;
}

/** Prints what is removed, or would be. */
function tellGone(gone: readonly { path: string }[], { dryRun }: { dryRun: boolean }): number {
  if (dryRun) for (const { path } of gone) print(`would remove ${printable(path)}`);
  print(`${count(gone.length)} ${dryRun ? "would be " : ""}removed`);
  return 0;
}

interface Optimize {
  directory: string;
  dimensions: number;
  pictures: number;
  isWanted: boolean;
}

/** Tells that it would pay where it was not asked for: nobody should wait for minutes unawares. */
async function optimize({ directory, dimensions, pictures, isWanted }: Optimize): Promise<void> {
  if (isWanted) {
    const startedAt = performance.now();
    const sayIt = () => process.stderr.write(`building the approximate index of ${count(pictures)} pictures…\n`);
    const isBuilt = await optimizeIndex(directory, sayIt);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    print(isBuilt ? `the approximate index was built in ${seconds} s` : "the approximate index is up to date");
  } else if (pictures >= worthOptimizing && !(await hasIndex(directory, dimensions))) {
    print("searches would be faster with an approximate index: add --optimize");
  }
}

async function hasIndex(directory: string, dimensions: number): Promise<boolean> {
  const store = await openVectorStore(directory, dimensions);
  return store.hasIndex().finally(() => store.close());
}

const print = (line: string) => process.stdout.write(`${line}\n`);
