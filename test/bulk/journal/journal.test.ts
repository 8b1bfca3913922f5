import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Journal, type JournalOptions, openJournal } from "../../../src/bulk/journal/journal.ts";
import { EncoderError } from "../../../src/errors.ts";
import { temporaryFolder } from "../../support/checkpoints.ts";

const dimensions = 4;
const facts = { "the model": "tiny", "--part-size": 10 };
const vectorOf = (i: number) => Float32Array.of(i, i + 0.5, -i, 1 / (i + 1));
const hashOf = (i: number) => Buffer.alloc(32, i).toString("base64");

const open = (directory: string, more: Partial<JournalOptions> = {}) =>
  openJournal({ directory, facts, dimensions, ...more });

async function record(journal: Journal, count: number, from = 0): Promise<void> {
  const numbers = Array.from({ length: count }, (_, i) => from + i);
  await Promise.all(
    numbers.map((i) =>
      journal.record({
        identity: `file ${i}`,
        version: `${i}`,
        result: { vector: vectorOf(i), contentHash: hashOf(i) },
      }),
    ),
  );
}

function read(journal: Journal, i: number): Float32Array | undefined {
  const outcome = journal.find(`file ${i}`, `${i}`);
  if (!outcome || !("slot" in outcome)) return undefined;
  const target = new Float32Array(dimensions);
  journal.readVector(outcome.slot, target);
  return target;
}

describe("a journal", () => {
  it("knows in the next run what it was told in this one, by identity and version and by content", async () => {
    const directory = await temporaryFolder();
    const first = await open(directory);
    await record(first, 3000);
    await first.markPart(0, "digest");
    await first.close();
    const journal = await open(directory);
    for (const i of [0, 1, 1499, 2999]) expect(read(journal, i)).toEqual(vectorOf(i));
    expect(journal.find("file 1", "2")).toBeUndefined();
    expect(journal.find("file 3000", "3000")).toBeUndefined();
    expect(journal.findContent(hashOf(7))).toMatchObject({ contentHash: hashOf(7) });
    expect(journal.partDigest(0)).toBe("digest");
    await journal.close();
  });

  it("takes the latest of what it was told of an input", async () => {
    const directory = await temporaryFolder();
    const journal = await open(directory);
    await record(journal, 1);
    const error = new EncoderError("IMAGE_UNREADABLE", "It is broken.");
    await journal.record({ identity: "file 0", version: "new", result: { error } });
    expect(journal.find("file 0", "0")).toBeUndefined();
    expect(journal.find("file 0", "new")).toMatchObject({ error: { code: "IMAGE_UNREADABLE" } });
    await journal.close();
  });

  it("forgets failures, all or those of a code, and no vectors", async () => {
    const directory = await temporaryFolder();
    const first = await open(directory);
    await record(first, 1);
    for (const code of ["URL_TIMEOUT", "URL_STATUS"] as const) {
      await first.record({ identity: code, version: undefined, result: { error: new EncoderError(code, "No.") } });
    }
    await first.close();
    const known = async (forget: JournalOptions["forget"]) => {
      const journal = await open(directory, { forget });
      const found = ["URL_TIMEOUT", "URL_STATUS"].filter((code) => journal.find(code, undefined));
      expect(read(journal, 0)).toEqual(vectorOf(0));
      await journal.close();
      return found;
    };
    expect(await known(undefined)).toEqual(["URL_TIMEOUT", "URL_STATUS"]);
    expect(await known("URL_TIMEOUT")).toEqual(["URL_STATUS"]);
    expect(await known("any")).toEqual([]);
  });

  it("loses nothing but the last line, wherever a killed process cut it off", async () => {
    const directory = await temporaryFolder();
    const first = await open(directory);
    await record(first, 3);
    await first.close();
    const file = join(directory, "journal");
    const whole = readFileSync(file);
    const lastLine = whole.lastIndexOf("\n", whole.length - 2) + 1;
    for (let length = lastLine; length < whole.length; length++) {
      writeFileSync(file, whole.subarray(0, length));
      const journal = await open(directory);
      expect(read(journal, 1)).toEqual(vectorOf(1));
      expect(read(journal, 2)).toBeUndefined();
      expect(statSync(file).size).toBe(lastLine);
      await record(journal, 1, 2);
      expect(read(journal, 2)).toEqual(vectorOf(2));
      await journal.close();
    }
  });

  it("drops a line that was altered, with all behind it", async () => {
    const directory = await temporaryFolder();
    const first = await open(directory);
    await record(first, 3);
    await first.close();
    const file = join(directory, "journal");
    writeFileSync(file, readFileSync(file, "utf8").replace("file 1", "file 9"));
    appendFileSync(file, "garbage\n");
    const journal = await open(directory);
    expect([0, 1, 2].map((i) => read(journal, i) !== undefined)).toEqual([true, false, false]);
    await journal.close();
  });

  it("does not believe marks whose vectors never reached the disk", async () => {
    const directory = await temporaryFolder();
    const first = await open(directory);
    await record(first, 2);
    await first.markPart(0, "digest");
    await record(first, 2, 2);
    await first.close();
    truncateSync(join(directory, "vectors.f32"), 4 * dimensions * 3);
    const journal = await open(directory);
    expect([0, 1, 2, 3].map((i) => read(journal, i) !== undefined)).toEqual([true, true, true, false]);
    await journal.close();
  });

  it("refuses a run with another model or other settings, and says what differs", async () => {
    const directory = await temporaryFolder();
    await (await open(directory)).close();
    await expect(open(directory, { facts: { ...facts, "the model": "other" } })).rejects.toMatchObject({
      code: "OUTPUT_REFUSED",
      message:
        "The output was begun with the model tiny, this run has other. Run it as it was begun, or choose another output.",
    });
  });
});
