import type { ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Background } from "./compare.ts";

export interface Pillow {
  /** @returns undefined where Pillow refuses the file. */
  pixels(file: Uint8Array, background: Background): Promise<Uint8Array | undefined>;
  close(): void;
}

/** Talks to pillow.py, which says how; one file at a time. */
export function openPillow(process: ChildProcessByStdio<Writable, Readable, null>): Pillow {
  const chunks = process.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);
  const take = async (length: number): Promise<Buffer> => {
    while (rest.length < length) {
      const { value, done } = await chunks.next();
      if (done) throw new Error("Pillow's process ended");
      rest = Buffer.concat([rest, value]);
    }
    const taken = rest.subarray(0, length);
    rest = rest.subarray(length);
    return taken;
  };
  return {
    async pixels(file, background) {
      const head = Buffer.alloc(5);
      head.writeUInt32BE(file.length);
      head[4] = background === "white" ? 1 : 0;
      process.stdin.write(head);
      process.stdin.write(file);
      const length = (await take(4)).readUInt32BE();
      return length === 0 ? undefined : take(length);
    },
    close: () => process.stdin.end(),
  };
}
