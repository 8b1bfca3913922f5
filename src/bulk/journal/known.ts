import { createHash } from "node:crypto";
import { createHashTable } from "./hash-table.ts";
import type { InputLine } from "./lines.ts";

export type Known = ReturnType<typeof createKnown>;

/** Finds the lines of a journal by what they are about, in some 50 bytes a line. */
export function createKnown() {
  const byIdentity = createHashTable();
  const byContent = createHashTable();
  let slots = 0;
  return {
    /** Slots that are taken. */
    get slots() {
      return slots;
    },
    /** Two identities share 64 bits of their hashes once in many millions of runs; whoever reads the line compares them. */
    add(entry: InputLine, line: number): void {
      byIdentity.set(identityHash(entry.id), line, () => true);
      if (!("slot" in entry)) return;
      byContent.set(Buffer.from(entry.hash, "base64"), line, () => true);
      slots = Math.max(slots, entry.slot + 1);
    },
    /** Takes slots for new vectors. @returns the first of them */
    reserve(count: number): number {
      const first = slots;
      slots += count;
      return first;
    },
    lineOf: (identity: string) => byIdentity.find(identityHash(identity), () => true),
    lineOfContent: (contentHash: string) => byContent.find(Buffer.from(contentHash, "base64"), () => true),
  };
}

function identityHash(identity: string): Buffer {
  return createHash("sha256").update(identity).digest();
}
