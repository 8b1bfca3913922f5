import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A file without a name, which a child process has open as well: what one of them writes, the other reads. Each takes one
 * copy, where a pipe would pass 150 kB in pieces, all with memory of their own.
 */
export interface SharedFile {
  descriptor: number;
  /** Fills an array from the file's beginning. It gives false where that holds less, and once the file is closed. */
  fill(bytes: Uint8Array): boolean;
  close(): void;
}

/** A decoder process has its shared file under this number, behind the channel of replies. */
export const sharedDescriptor = 4;

/** The first lies in memory, on Linux. */
const usualDirectories = ["/dev/shm", tmpdir()];

/** @returns undefined where no file can be written */
export function openSharedFile(directories: readonly string[] = usualDirectories): SharedFile | undefined {
  const descriptor = openUnnamed(directories);
  if (descriptor === undefined) return undefined;
  let isOpen = true;
  return {
    descriptor,
    fill(bytes) {
      if (!isOpen) return false; // the number may be another file's by now
      try {
        return readSync(descriptor, bytes, 0, bytes.length, 0) === bytes.length;
      } catch {
        return false;
      }
    },
    close() {
      if (isOpen) closeSync(descriptor);
      isOpen = false;
    },
  };
}

function openUnnamed(directories: readonly string[]): number | undefined {
  for (const directory of directories) {
    const path = join(directory, `image-text-encoder-${randomUUID()}`);
    let descriptor: number | undefined;
    try {
      descriptor = openSync(path, "wx+", 0o600);
      unlinkSync(path);
      return descriptor;
    } catch {
      // There is no such directory, or nothing may be written there, or nothing removed.
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }
  return undefined;
}

/** Writes bytes to a shared file's beginning. @returns false where it has no room for all of them */
export function writeShared(descriptor: number, bytes: Uint8Array): boolean {
  try {
    return writeSync(descriptor, bytes, 0, bytes.length, 0) === bytes.length;
  } catch {
    return false;
  }
}
