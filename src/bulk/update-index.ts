import { statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Encoder } from "../encoder/encoder.ts";
import { type ErrorCode, toEncoderError } from "../errors.ts";
import { factsPath, type IndexFacts, newFacts, readFacts, requireSameModel } from "../search/index-facts.ts";
import { openVectorStore } from "../search/lance.ts";
import { thumbnailPath } from "../search/thumbnail-path.ts";
import { acquireLock } from "../storage/lock.ts";
import { storing } from "../storage/storing.ts";
import { encodeWith } from "./encode.ts";
import { createErrorList } from "./error-list.ts";
import { isGlob, splitGlob } from "./glob.ts";
import { createIndexRows } from "./index-rows.ts";
import { openJournal } from "./journal.ts";
import { runBulk, type Tally } from "./run.ts";
import type { Source } from "./sources/source.ts";
import { writeWhole } from "./write-whole.ts";

export interface UpdateIndexOptions {
  directory: string;
  operands: readonly string[];
  source: Source;
  encoder: Encoder;
  /** Makes a small WebP of a picture. */
  thumbnail(bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  retry: ErrorCode | "any" | undefined;
  itemTimeoutMs: number;
  prune: boolean;
  /** Only what pruning would remove is told; nothing is encoded or written. */
  dryRun: boolean;
  onPruned(path: string): void;
  stop: AbortSignal;
  tally: Tally;
}

/** A thumbnail is a convenience; a picture that makes it slow goes without one. */
const thumbnailTimeoutMs = 20_000;

/**
 * Brings an index up to date with its inputs.
 * @returns how many pictures it holds then
 * @throws EncoderError OUTPUT_REFUSED where it is being written, or was made with another model.
 */
export async function updateIndex(options: UpdateIndexOptions): Promise<number> {
  const { encoder, operands, retry, stop, thumbnail } = options;
  const directory = resolve(options.directory);
  const { manifest } = encoder;
  const { dimensions } = manifest;
  const journalFolder = join(directory, ".journal");
  const lock = await acquireLock({ directory: journalFolder, ifHeld: "refuse" });
  try {
    const facts = await factsOf(directory, manifest);
    const store = await openVectorStore(directory, dimensions);
    const { model, buildId, precision } = facts;
    const journal = await openJournal({
      directory: journalFolder,
      dimensions,
      forget: retry,
      facts: { "the model": `${model} (build ${buildId})`, "the precision": precision },
    });
    const errors = await createErrorList(directory);
    try {
      const inputs = operands.map((operand) => ({
        number: numberIn(facts.inputs, inputName(operand)),
        root: rootOf(operand),
      }));
      for (const { root } of inputs) if (root !== "") numberIn(facts.roots, root);
      await writeFacts(directory, facts);
      const rows = await createIndexRows({
        ...{ ...options, store, journal, dimensions, inputs },
        async rootNumber(folder) {
          const before = facts.roots.length;
          const number = numberIn(facts.roots, folder);
          if (facts.roots.length > before) await writeFacts(directory, facts);
          return number;
        },
      });
      if (options.dryRun) {
        for await (const item of options.source.items()) rows.see(item);
        await rows.finish({ isComplete: true });
        return await store.count();
      }
      await runBulk({
        ...{ ...options, encode: encodeWith(encoder), journal, rows, errors },
        stop: AbortSignal.any([stop, lock.signal]),
        async keep(item, content, contentHash) {
          if (item.origin.kind === "file" || typeof content === "string") return;
          const small = await thumbnail(content, AbortSignal.timeout(thumbnailTimeoutMs)).catch(() => undefined);
          if (!small) return; // the vector is what the run is for
          const path = thumbnailPath(directory, contentHash);
          await storing(async () => {
            await mkdir(dirname(path), { recursive: true });
            await writeFile(path, small);
          });
        },
      });
      lock.signal.throwIfAborted();
      await store.compact();
      await writeFacts(directory, { ...facts, updatedAt: new Date().toISOString() });
      return await store.count();
    } finally {
      await errors.close();
      await journal.close();
      store.close();
    }
  } finally {
    await lock.release();
  }
}

async function factsOf(directory: string, manifest: Encoder["manifest"]): Promise<IndexFacts> {
  const found = await readFacts(directory).catch((error) => {
    if (toEncoderError(error).cause === undefined) throw error; // it is there, and damaged
    return undefined;
  });
  if (found) requireSameModel(found, manifest);
  return found ?? newFacts(manifest);
}

function writeFacts(directory: string, facts: IndexFacts): Promise<void> {
  return writeWhole(factsPath(directory), [Buffer.from(`${JSON.stringify(facts, null, 2)}\n`)]);
}

/** Finds where the value stands in the list; it is added where it does not. */
function numberIn(list: string[], value: string): number {
  const at = list.indexOf(value);
  return at >= 0 ? at : list.push(value) - 1;
}

const isUrl = (operand: string) => /^https?:\/\//i.test(operand);

function inputName(operand: string): string {
  return operand === "-" || isUrl(operand) ? operand : resolve(operand);
}

/** Gives the folder that the paths of an operand's files are relative to. */
function rootOf(operand: string): string {
  if (isUrl(operand)) return "";
  if (operand === "-") return resolve(".");
  const found = statSync(operand, { throwIfNoEntry: false });
  if (!found && isGlob(operand)) return resolve(splitGlob(operand).base);
  return found?.isDirectory() ? resolve(operand) : dirname(resolve(operand));
}
