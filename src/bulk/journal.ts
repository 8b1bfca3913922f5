import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { EncoderError, type ErrorCode } from "../errors.ts";
import { oneAtATime } from "../scheduling/one-at-a-time.ts";
import { storing } from "../storage/storing.ts";
import { createHashTable } from "./hash-table.ts";
import type { Outcome } from "./item.ts";
import { openJournalLog } from "./journal-log.ts";
import { openVectorFile } from "./vector-file.ts";

/**
 * Holds what a run knows for the next one: every vector, which input and which bytes it belongs to, which inputs failed
 * and which parts are written. The vectors are kept beside the output, since the output's formats round, reorder and
 * drop them.
 */
export interface Journal {
  /** Tells what became of the input when it was seen in this version. */
  find(identity: string, version: string | undefined): Outcome | undefined;
  /** Finds a vector of the same bytes, whatever they were called. */
  findContent(contentHash: string): Outcome | undefined;
  /** Resolves when vector and mark are written: a process that is killed afterwards has lost neither. */
  record(entry: Entry): Promise<Outcome>;
  /**
   * Fills `target` with the vector.
   * @throws EncoderError STORAGE_FAILED where the file was damaged.
   */
  readVector(slot: number, target: Float32Array): void;
  /** Gives the digest of the part as it was written last. */
  partDigest(part: number): string | undefined;
  /** Notes that a part is written, or with no digest that it is gone. */
  markPart(part: number, digest: string | null): Promise<void>;
  /** Lists the numbers of the parts that were written. */
  parts(): number[];
  close(): Promise<void>;
}

export interface Entry {
  identity: string;
  version: string | undefined;
  result:
    | { vector: Float32Array; contentHash: string }
    | { slot: number; contentHash: string }
    | { error: EncoderError };
}

export interface JournalOptions {
  directory: string;
  /** These must be the same in every run into this output; each has the name that people know it by. */
  facts: Readonly<Record<string, string | number>>;
  dimensions: number;
  /** Failures with this code are forgotten; "any" forgets all. */
  forget?: ErrorCode | "any" | undefined;
}

/** Is a line of the log, as JSON. The first one holds the facts. */
type Line =
  | { facts: JournalOptions["facts"] }
  | { id: string; v?: string; hash: string; slot: number; sum: number }
  | { id: string; v?: string; code: ErrorCode; error: string }
  | { part: number; digest: string | null };

/** @throws EncoderError OUTPUT_REFUSED where another model or other settings made what is there. */
export async function openJournal({ directory, facts, dimensions, forget }: JournalOptions): Promise<Journal> {
  await storing(() => mkdir(directory, { recursive: true }));
  const byIdentity = createHashTable();
  const byContent = createHashTable();
  const digests = new Map<number, string>();
  let slots = 0;
  let found: JournalOptions["facts"] | undefined;
  let lastMark = 0;

  const vectors = await storing(() => openVectorFile(join(directory, "vectors.f32"), dimensions));
  const log = await storing(() =>
    openJournalLog(join(directory, "journal"), (text, line) => {
      const entry = JSON.parse(text) as Line; // its checksum says that this program wrote it
      if ("facts" in entry) found = entry.facts;
      else if ("part" in entry) {
        lastMark = line;
        if (entry.digest === null) digests.delete(entry.part);
        else digests.set(entry.part, entry.digest);
      } else index(entry, line);
    }),
  );
  const lineOf = (line: number) => JSON.parse(log.read(line)) as Line;
  const close = async () => {
    await Promise.all([log.close(), vectors.close()]);
  };
  try {
    if (found) requireSame(found, facts);
    if (await dropUnwritten()) {
      await close();
      return openJournal({ directory, facts, dimensions, forget });
    }
    if (log.length === 0) await storing(() => log.append([JSON.stringify({ facts })]));
  } catch (error) {
    await close();
    throw error;
  }

  function index(entry: Exclude<Line, { facts: unknown } | { part: unknown }>, line: number): void {
    // Two identities share 64 bits of their hashes once in many millions of runs; `find` then compares the identities.
    byIdentity.set(identityHash(entry.id), line, () => true);
    if (!("slot" in entry)) return;
    byContent.set(Buffer.from(entry.hash, "base64"), line, () => true);
    slots = Math.max(slots, entry.slot + 1);
  }

  /**
   * Drops marks without vectors: after a loss of power, marks may have reached the disk that the vectors did not, those
   * since the last synced part.
   */
  async function dropUnwritten(): Promise<boolean> {
    const scratch = new Float32Array(dimensions);
    for (let line = lastMark + 1; line < log.length; line++) {
      const entry = lineOf(line);
      if (!("slot" in entry) || vectors.read(entry.slot, scratch) === entry.sum) continue;
      await log.truncate(line);
      return true;
    }
    return false;
  }

  function outcomeOf(entry: Line): Outcome | undefined {
    if ("slot" in entry) return { slot: entry.slot, contentHash: entry.hash };
    if (!("code" in entry)) return undefined;
    const isForgotten = forget === "any" || forget === entry.code;
    return isForgotten ? undefined : { error: new EncoderError(entry.code, entry.error) };
  }

  const inTurn = oneAtATime();
  const writer = createWriter((entries) => inTurn(() => writeEntries(entries)));

  async function writeEntries(entries: Entry[]): Promise<Outcome[]> {
    const fresh = entries.flatMap(({ result }) => ("vector" in result ? [result.vector] : []));
    const firstSlot = slots;
    slots += fresh.length;
    if (fresh.length > 0) await vectors.write(firstSlot, fresh);
    let nextSlot = firstSlot;
    const lines = entries.map(({ identity: id, version: v, result }) => {
      const key = v === undefined ? { id } : { id, v };
      if ("error" in result) return { ...key, code: result.error.code, error: result.error.message };
      const hash = result.contentHash;
      if ("slot" in result) return { ...key, hash, slot: result.slot, sum: sumOf(result.slot) };
      return { ...key, hash, slot: nextSlot++, sum: vectors.checksum(result.vector) };
    });
    const firstLine = log.length;
    await log.append(lines.map((line) => JSON.stringify(line)));
    for (const [i, line] of lines.entries()) index(line, firstLine + i);
    return lines.map((line): Outcome => {
      if ("slot" in line) return { slot: line.slot, contentHash: line.hash };
      return { error: new EncoderError(line.code, line.error) };
    });
  }

  function sumOf(slot: number): number {
    const scratch = new Float32Array(dimensions);
    return vectors.read(slot, scratch) ?? 0;
  }

  return {
    find(identity, version) {
      const line = byIdentity.find(identityHash(identity), () => true);
      const entry = line === undefined ? undefined : lineOf(line);
      if (!entry || !("id" in entry) || entry.id !== identity || entry.v !== version) return undefined;
      return outcomeOf(entry);
    },
    findContent(contentHash) {
      const line = byContent.find(Buffer.from(contentHash, "base64"), () => true);
      const entry = line === undefined ? undefined : lineOf(line);
      return entry && "hash" in entry && entry.hash === contentHash ? outcomeOf(entry) : undefined;
    },
    record: (entry) => writer.write(entry),
    readVector(slot, target) {
      if (vectors.read(slot, target) === undefined) {
        const message = "The journal of this output is damaged; remove the output and run again.";
        throw new EncoderError("STORAGE_FAILED", message, { internal: directory });
      }
    },
    partDigest: (part) => digests.get(part),
    async markPart(part, digest) {
      if (digest === null) digests.delete(part);
      else digests.set(part, digest);
      await inTurn(() =>
        storing(async () => {
          await vectors.sync();
          await log.append([JSON.stringify({ part, digest })]);
          await log.sync();
        }),
      );
    },
    parts: () => [...digests.keys()],
    async close() {
      await writer.idle();
      await close();
    },
  };
}

/** Writes what has come together while the last write was under way: no write waits, and there are few of them. */
function createWriter(write: (entries: Entry[]) => Promise<Outcome[]>) {
  interface Waiting {
    entry: Entry;
    resolve(outcome: Outcome): void;
    reject(error: unknown): void;
  }
  let waiting: Waiting[] = [];
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        const outcomes = await storing(() => write(batch.map(({ entry }) => entry)));
        for (const [i, { resolve }] of batch.entries()) resolve(outcomes[i]!);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running = undefined;
  }

  return {
    write: (entry: Entry) =>
      new Promise<Outcome>((resolve, reject) => {
        waiting.push({ entry, resolve, reject });
        running ??= run();
      }),
    /** Resolves when nothing is being written. */
    idle: async () => running,
  };
}

function identityHash(identity: string): Buffer {
  return createHash("sha256").update(identity).digest();
}

/** @throws EncoderError OUTPUT_REFUSED naming what differs. */
function requireSame(found: JournalOptions["facts"], facts: JournalOptions["facts"]): void {
  const different = Object.keys(facts).find((name) => found[name] !== facts[name]);
  if (different === undefined) return;
  const message =
    `The output was begun with ${different} ${found[different]}, this run has ${facts[different]}. ` +
    "Run it as it was begun, or choose another output.";
  throw new EncoderError("OUTPUT_REFUSED", message);
}
