import { createReadStream, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { splitBytes } from "../bytes.ts";

/**
 * A log is a file of lines that is only appended to. Each line carries a checksum, so that a line that a killed process
 * or a lost power supply left half written is found, and everything from it on is dropped.
 */
export interface JournalLog {
  /** Counts the lines. */
  readonly length: number;
  read(line: number): string;
  append(lines: readonly string[]): Promise<void>;
  sync(): Promise<void>;
  /** Drops this line and all behind it. */
  truncate(line: number): Promise<void>;
  close(): Promise<void>;
}

const newline = 0x0a;
/** A checksum looks like "1a2b3c4d ". */
const checksumLength = 9;
/** A text of a list has up to 1 MiB, and JSON writes some of its bytes as six. */
const maxLineBytes = 8 << 20;

/** @param onLine called for each line that is there, in order */
export async function openJournalLog(file: string, onLine: (text: string, line: number) => void): Promise<JournalLog> {
  const handle = await open(file, "a+");
  let ends = new Float64Array(1024);
  let length = 0;
  const endOf = (line: number) => (line < 0 ? 0 : ends[line]!);
  const push = (end: number) => {
    if (length === ends.length) {
      const grown = new Float64Array(2 * ends.length);
      grown.set(ends);
      ends = grown;
    }
    ends[length++] = end;
  };

  const pieces = splitBytes(createReadStream(file), { separator: newline, maxLength: maxLineBytes });
  for await (const { bytes, isEnded } of pieces) {
    const text = checked(bytes);
    if (text === undefined || !isEnded) break;
    onLine(text, length);
    push(endOf(length - 1) + bytes.length + 1);
  }
  await handle.truncate(endOf(length - 1));

  return {
    get length() {
      return length;
    },
    read(line) {
      const from = endOf(line - 1);
      const bytes = Buffer.alloc(endOf(line) - from);
      readSync(handle.fd, bytes, 0, bytes.length, from);
      return bytes.toString("utf8", checksumLength, bytes.length - 1);
    },
    async append(texts) {
      const lines = texts.map((text) => Buffer.from(`${checksum(text)} ${text}\n`));
      await appendAll(handle, Buffer.concat(lines)).catch(async (error) => {
        await handle.truncate(endOf(length - 1)).catch(() => {}); // half a line would hide those behind it
        throw error;
      });
      for (const line of lines) push(endOf(length - 1) + line.length);
    },
    sync: () => handle.datasync(),
    async truncate(line) {
      length = line;
      await handle.truncate(endOf(line - 1));
    },
    close: () => handle.close(),
  };
}

async function appendAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

function checked(bytes: Buffer): string | undefined {
  const text = bytes.toString("utf8", checksumLength);
  return bytes.toString("latin1", 0, checksumLength) === `${checksum(text)} ` ? text : undefined;
}
