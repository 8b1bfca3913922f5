import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { EncoderError, type ErrorCode } from "../../errors.ts";
import { createLanes } from "../../scheduling/lanes.ts";
import { storing } from "../../storage/storing.ts";
import type { Outcome } from "../items/item.ts";
import { createGroupCommit } from "./group-commit.ts";
import { createKnown, type Known } from "./known.ts";
import { type Facts, type InputLine, isMark, type Line, type Mark } from "./lines.ts";
import { type JournalLog, openJournalLog } from "./log.ts";
import { openVectorFile, type VectorFile } from "./vectors.ts";

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
  /** Brings everything to the disk: a loss of power afterwards loses nothing of it. */
  sync(): Promise<void>;
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
  facts: Facts;
  dimensions: number;
  /** Failures with this code are forgotten; "any" forgets all. */
  forget?: ErrorCode | "any" | undefined;
}

/** @throws EncoderError OUTPUT_REFUSED where another model or other settings made what is there. */
export async function openJournal({ directory, facts, dimensions, forget }: JournalOptions): Promise<Journal> {
  await storing(() => mkdir(directory, { recursive: true }));
  const vectors = await storing(() => openVectorFile(join(directory, "vectors.f32"), dimensions));
  const { log, known, digests } = await storing(() => readLog({ directory, facts, dimensions, vectors })).catch(
    async (error) => {
      await vectors.close();
      throw error;
    },
  );
  const lineAt = (line: number | undefined) => (line === undefined ? undefined : (JSON.parse(log.read(line)) as Line));
  const outcomeOf = (entry: InputLine): Outcome | undefined => {
    if ("slot" in entry) return { slot: entry.slot, contentHash: entry.hash };
    const isForgotten = forget === "any" || forget === entry.code;
    return isForgotten ? undefined : { error: new EncoderError(entry.code, entry.error) };
  };
  const writeEntries = entryWriter({ vectors, log, known, dimensions });
  const lane = createLanes({ lanes: 1 });
  const commit = createGroupCommit((entries: Entry[]) => lane.run(() => storing(() => writeEntries(entries))));

  const mark = (mark: Mark) =>
    lane.run(() =>
      storing(async () => {
        await vectors.sync();
        await log.append([JSON.stringify(mark)]);
        await log.sync();
      }),
    );

  return {
    find(identity, version) {
      const entry = lineAt(known.lineOf(identity));
      if (!entry || !("id" in entry) || entry.id !== identity || entry.v !== version) return undefined;
      return outcomeOf(entry);
    },
    findContent(contentHash) {
      const entry = lineAt(known.lineOfContent(contentHash));
      return entry && "hash" in entry && entry.hash === contentHash ? outcomeOf(entry) : undefined;
    },
    record: (entry) => commit.write(entry),
    readVector(slot, target) {
      if (vectors.read(slot, target) === undefined) {
        const message = "The journal of this output is damaged; remove the output and run again.";
        throw new EncoderError("STORAGE_FAILED", message, { internal: directory });
      }
    },
    partDigest: (part) => digests.get(part),
    async markPart(part, digest) {
      note(digests, { part, digest });
      await mark({ part, digest });
    },
    parts: () => [...digests.keys()],
    sync: () => mark({ synced: true }),
    async close() {
      await commit.idle();
      await Promise.all([log.close(), vectors.close()]);
    },
  };
}

interface Writing {
  vectors: VectorFile;
  log: JournalLog;
  known: Known;
  dimensions: number;
}

/** Writes the new vectors of some entries, then a line for each, and knows them from then on. */
function entryWriter({ vectors, log, known, dimensions }: Writing) {
  const sumOf = (slot: number) => vectors.read(slot, new Float32Array(dimensions)) ?? 0;

  return async (entries: readonly Entry[]): Promise<Outcome[]> => {
    const fresh = entries.flatMap(({ result }) => ("vector" in result ? [result.vector] : []));
    let slot = known.reserve(fresh.length);
    if (fresh.length > 0) await vectors.write(slot, fresh);
    const lines = entries.map(({ identity: id, version: v, result }): InputLine => {
      const key = v === undefined ? { id } : { id, v };
      if ("error" in result) return { ...key, code: result.error.code, error: result.error.message };
      const hash = result.contentHash;
      if ("slot" in result) return { ...key, hash, slot: result.slot, sum: sumOf(result.slot) };
      return { ...key, hash, slot: slot++, sum: vectors.checksum(result.vector) };
    });
    const firstLine = log.length;
    await log.append(lines.map((line) => JSON.stringify(line)));
    for (const [i, line] of lines.entries()) known.add(line, firstLine + i);
    return lines.map((line): Outcome => {
      if ("slot" in line) return { slot: line.slot, contentHash: line.hash };
      return { error: new EncoderError(line.code, line.error) };
    });
  };
}

/** Takes from the log what earlier runs knew. */
async function readLog({ directory, facts, dimensions, vectors }: JournalOptions & { vectors: VectorFile }) {
  const known = createKnown();
  const digests = new Map<number, string>();
  let found: Facts | undefined;
  /** Lines behind the last mark: a loss of power may have kept them and lost their vectors. */
  let unsure: { entry: InputLine; line: number }[] = [];
  const believe = () => {
    for (const { entry, line } of unsure) known.add(entry, line);
    unsure = [];
  };
  const log = await openJournalLog(join(directory, "journal"), (text, line) => {
    const entry = JSON.parse(text) as Line; // its checksum says that this program wrote it
    if ("facts" in entry) found = entry.facts;
    else if (isMark(entry)) {
      believe();
      note(digests, entry);
    } else unsure.push({ entry, line });
  });
  try {
    if (found) requireSame(found, facts);
    const scratch = new Float32Array(dimensions);
    const isLost = ({ entry }: { entry: InputLine }) =>
      "slot" in entry && vectors.read(entry.slot, scratch) !== entry.sum;
    const lost = unsure.findIndex(isLost);
    if (lost >= 0) await log.truncate(unsure.splice(lost)[0]!.line);
    believe();
    if (log.length === 0) await log.append([JSON.stringify({ facts })]);
    return { log, known, digests };
  } catch (error) {
    await log.close();
    throw error;
  }
}

function note(digests: Map<number, string>, mark: Mark): void {
  if (!("part" in mark)) return;
  if (mark.digest === null) digests.delete(mark.part);
  else digests.set(mark.part, mark.digest);
}

/** @throws EncoderError OUTPUT_REFUSED naming what differs. */
function requireSame(found: Facts, facts: Facts): void {
  const different = Object.keys(facts).find((name) => found[name] !== facts[name]);
  if (different === undefined) return;
  const message =
    `The output was begun with ${different} ${found[different]}, this run has ${facts[different]}. ` +
    "Run it as it was begun, or choose another output.";
  throw new EncoderError("OUTPUT_REFUSED", message);
}
