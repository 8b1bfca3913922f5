import { createHash } from "node:crypto";
import { type ErrorCode, toEncoderError } from "../errors.ts";
import { inOrder } from "../scheduling/in-order.ts";
import type { ErrorList } from "./error-list.ts";
import type { Content, Item, Outcome, Row, RowSink } from "./items/item.ts";
import { readItem } from "./items/read-item.ts";
import type { Journal } from "./journal/journal.ts";
import type { Source } from "./sources/source.ts";

/** Encodes one input; it waits where there is no room for it yet. */
export type Encode = (input: Uint8Array | string, options: { signal: AbortSignal }) => Promise<Float32Array>;

export interface BulkRun {
  source: Source;
  journal: Journal;
  encode: Encode;
  rows: RowSink;
  errors: ErrorList;
  keeper?: Keeper;
  itemTimeoutMs: number;
  /** Once aborted nothing more is begun; what was begun is finished and written, or given up after `finishMs`. */
  stop: AbortSignal;
  /** A slow model or server does not keep a stopped run for minutes: the next one takes what is left. */
  finishMs?: number;
  tally: Tally;
}

/** Keeps something of an item besides its vector. */
export interface Keeper {
  /** Called with what was read, before its vector is marked as known. */
  keep(item: Item, content: Uint8Array | string, contentHash: string): Promise<void>;
  /** Tells whether what it keeps of an item is there; otherwise the item is read again, though its vector is known. */
  has(item: Item, contentHash: string): Promise<boolean>;
}

/** Tells how far a run is; it changes while the run goes on. */
export interface Tally {
  encoded: number;
  /** Counts those that are known from an earlier run or by their bytes. */
  known: number;
  failed: number;
  /** Counts the failures that are told again from an earlier run. */
  toldAgain: number;
  /** Counts the failures of this machine's run by their code. */
  codes: Partial<Record<ErrorCode, number>>;
  /** Counts the bytes of what was read. */
  bytes: number;
}

export const newTally = (): Tally => ({ encoded: 0, known: 0, failed: 0, toldAgain: 0, codes: {}, bytes: 0 });

/** Limits the items under way at once: enough for fetching, decoding and two batches of the engine. */
const lanes = 128;
/** Covers some ten seconds of work: an item that takes its whole time to fail holds up nothing but the output. */
const window = 4096;

/** A later run would meet these failures again; of all others the next run tries the item anew. */
const lastingFailures: readonly ErrorCode[] = [
  ...(["IMAGE_TOO_LARGE", "IMAGE_UNREADABLE", "IMAGE_UNSUPPORTED", "IMAGE_DECODE_TIMEOUT"] as const),
  ...(["URL_INVALID", "URL_FORBIDDEN", "URL_UNREACHABLE", "URL_STATUS", "URL_TIMEOUT"] as const),
  ...(["URL_TOO_MANY_REDIRECTS", "EMPTY_TEXT", "TEXT_TOO_LONG", "ITEM_TIMEOUT"] as const),
];

export const isLasting = (code: ErrorCode): boolean => lastingFailures.includes(code);

/**
 * Goes the whole way of a bulk run. The source lists items, many of which are at work at a time: what the journal knows
 * of an item is taken from it, the rest is fetched, decoded, encoded and marked. Rows are written in the order of the
 * input.
 * @throws EncoderError where the output cannot be written; faults of items go to `errors`.
 */
export async function runBulk(run: BulkRun): Promise<void> {
  const { source, rows, errors, stop, finishMs = 10_000, tally } = run;
  const givingUp = abortLater(stop, finishMs);
  const step = { ...run, signal: givingUp.signal };
  try {
    for await (const row of inOrder(source.items(), (item) => rowOf(item, step), { lanes, window, stop })) {
      if (row === undefined) break;
      if ("error" in row.outcome) {
        const { error } = row.outcome;
        tally.failed++;
        tally.codes[error.code] = (tally.codes[error.code] ?? 0) + 1;
        await errors.add(row.item.name, error);
      }
      await rows.add(row);
    }
  } finally {
    givingUp.end();
  }
  await rows.finish({ isComplete: !stop.aborted });
}

/** Gives a signal that aborts some time after `stop`. */
function abortLater(stop: AbortSignal, ms: number) {
  const later = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    timer = setTimeout(() => later.abort(stop.reason), ms);
  };
  if (stop.aborted) begin();
  else stop.addEventListener("abort", begin, { once: true });
  const end = () => {
    stop.removeEventListener("abort", begin);
    clearTimeout(timer);
  };
  return { signal: later.signal, end };
}

interface Step extends BulkRun {
  /** Aborts when what is under way is given up. */
  signal: AbortSignal;
}

/** Holds the steps of one item between listing and writing. @returns nothing where the item was given up */
async function rowOf(item: Item, run: Step): Promise<Row | undefined> {
  const { identity, name, key, columns, origin, operand } = item;
  const row = { item: { identity, name, key, columns, origin, operand }, version: undefined as string | undefined };
  try {
    row.version = await item.version?.();
    const known = await findKnown(item, row.version, run);
    if (known) return { ...row, outcome: known };
    const outcome = await readItem(item, run, (content, { signal }) => {
      row.version = content.version;
      return encodeContent(item, content, { ...run, signal });
    });
    return { ...row, outcome };
  } catch (thrown) {
    const failure = await markFailure(item, row.version, thrown, run);
    return failure && { ...row, outcome: failure };
  }
}

async function findKnown(
  item: Item,
  version: string | undefined,
  { journal, keeper, tally }: BulkRun,
): Promise<Outcome | undefined> {
  const known = journal.find(item.identity, version);
  if (!known) return undefined;
  if ("slot" in known && keeper && !(await keeper.has(item, known.contentHash))) return undefined;
  item.discard?.();
  if ("error" in known) tally.toldAgain++;
  else tally.known++;
  return known;
}

/** Decodes, encodes and marks what was fetched; bytes that were encoded under another name have their vector already. */
async function encodeContent(
  item: Item,
  { input, version }: Content,
  { journal, encode, keeper, tally, signal }: Step,
): Promise<Outcome> {
  const { identity } = item;
  tally.bytes += input.length;
  const contentHash = createHash("sha256").update(input).digest("base64");
  await keeper?.keep(item, input, contentHash);
  const known = journal.findContent(contentHash);
  if (known && "slot" in known) {
    tally.known++;
    return journal.record({ identity, version, result: known });
  }
  const vector = await encode(input, { signal });
  tally.encoded++;
  return journal.record({ identity, version, result: { vector, contentHash } });
}

async function markFailure(
  { identity }: Item,
  version: string | undefined,
  thrown: unknown,
  { journal, signal }: Step,
): Promise<Outcome | undefined> {
  const error = toEncoderError(thrown);
  if (error.code === "STORAGE_FAILED") throw error;
  if (signal.aborted) return undefined; // the next run tries it
  return isLasting(error.code) ? journal.record({ identity, version, result: { error } }) : { error };
}
