import { createHash } from "node:crypto";
import { EncoderError, type ErrorCode, toEncoderError } from "../errors.ts";
import type { ErrorList } from "./error-list.ts";
import { inOrder } from "./in-order.ts";
import type { Item, Outcome, Row, RowSink } from "./item.ts";
import type { Journal } from "./journal.ts";
import type { Source } from "./sources/source.ts";

/** Encodes one input; it waits where there is no room for it yet. */
export type Encode = (input: Uint8Array | string, options: { signal: AbortSignal }) => Promise<Float32Array>;

export interface BulkRun {
  source: Source;
  journal: Journal;
  encode: Encode;
  rows: RowSink;
  errors: ErrorList;
  /** This is called with what was read, before its vector is marked as known. */
  keep?(item: Item, content: Uint8Array | string, contentHash: string): Promise<void>;
  itemTimeoutMs: number;
  /** Once aborted nothing more is begun; what was begun is finished and written. */
  stop: AbortSignal;
  tally: Tally;
}

/** Tells how far a run is; it changes while the run goes on. */
export interface Tally {
  encoded: number;
  /** Counts those that are known from an earlier run or by their bytes. */
  known: number;
  failed: number;
  /** Counts the bytes of what was read. */
  bytes: number;
}

export const newTally = (): Tally => ({ encoded: 0, known: 0, failed: 0, bytes: 0 });

/** So many items are at work at the same time: enough for fetching, decoding and two batches of the engine. */
const lanes = 128;
/** This is some ten seconds of work: an item that takes its whole time to fail holds up nothing but the output. */
const window = 4096;

/** A later run would meet these failures again; of all others the next run tries the item anew. */
const lastingFailures: readonly ErrorCode[] = [
  ...(["IMAGE_TOO_LARGE", "IMAGE_UNREADABLE", "IMAGE_UNSUPPORTED", "IMAGE_DECODE_TIMEOUT"] as const),
  ...(["URL_INVALID", "URL_FORBIDDEN", "URL_UNREACHABLE", "URL_STATUS", "URL_TIMEOUT"] as const),
  ...(["URL_TOO_MANY_REDIRECTS", "EMPTY_TEXT", "TEXT_TOO_LONG", "ITEM_TIMEOUT"] as const),
];

/**
 * Goes the whole way of a bulk run: the source lists items; what the journal knows is taken from it; the rest is
 * fetched, decoded and encoded, many items at a time; rows are written in the order of the input, and what is written
 * is marked.
 * @throws EncoderError where the output cannot be written; faults of items go to `errors`.
 */
export async function runBulk(run: BulkRun): Promise<void> {
  const { source, rows, errors, stop, tally } = run;
  for await (const row of inOrder(source.items(), (item) => rowOf(item, run), { lanes, window, stop })) {
    if ("error" in row.outcome) {
      tally.failed++;
      await errors.add(row.item.name, row.outcome.error);
    }
    await rows.add(row);
  }
  await rows.finish({ isComplete: !stop.aborted });
}

async function rowOf(item: Item, run: BulkRun): Promise<Row> {
  let version: string | undefined;
  const outcome = await outcomeOf(item, run, (found) => {
    version = found;
  });
  const { identity, name, key, columns, origin, operand } = item;
  return { item: { identity, name, key, columns, origin, operand }, version, outcome };
}

async function outcomeOf(item: Item, run: BulkRun, onVersion: (version: string) => void): Promise<Outcome> {
  const { journal, tally } = run;
  let version: string | undefined;
  try {
    version = await item.version?.();
    if (version !== undefined) onVersion(version);
    const known = journal.find(item.identity, version);
    if (!known) return await encodeItem(item, run);
    item.discard?.();
    if (!("error" in known)) tally.known++;
    return known;
  } catch (thrown) {
    const error = toEncoderError(thrown);
    if (error.code === "STORAGE_FAILED") throw error;
    if (!lastingFailures.includes(error.code)) return { error };
    return journal.record({ identity: item.identity, version, result: { error } });
  }
}

async function encodeItem(item: Item, { journal, encode, keep, itemTimeoutMs, tally }: BulkRun): Promise<Outcome> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(tooSlow(itemTimeoutMs)), itemTimeoutMs);
  const { signal } = timeout;
  try {
    const { input, version, release } = await unlessAborted(item.load(signal), signal);
    try {
      tally.bytes += input.length;
      const contentHash = createHash("sha256").update(input).digest("base64");
      const key = { identity: item.identity, version };
      await keep?.(item, input, contentHash);
      const known = journal.findContent(contentHash);
      if (known && "slot" in known) {
        tally.known++;
        return await journal.record({ ...key, result: known });
      }
      const vector = await encode(input, { signal });
      tally.encoded++;
      return await journal.record({ ...key, result: { vector, contentHash } });
    } finally {
      release();
    }
  } finally {
    clearTimeout(timer);
  }
}

function tooSlow(itemTimeoutMs: number): EncoderError {
  return new EncoderError("ITEM_TIMEOUT", `The input was not read and encoded within ${itemTimeoutMs} ms.`);
}

/** Waits for a file until it is aborted: a file system that has gone away answers no call at all. */
function unlessAborted<T extends { release(): void }>(loading: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    loading.then((content) => (signal.aborted ? content.release() : resolve(content)), reject);
  });
}
