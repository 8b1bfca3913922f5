import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { fileRecord } from "../model/folder.ts";

/** Says what a file's bytes must hash to. */
export interface ContentHash {
  algorithm: "sha256" | "sha1";
  hex: string;
}

/**
 * The Hub's ETags are hashes of the content: SHA-256 of large files, git's blob id (a SHA-1) of small ones. Mirrors may
 * use the plain SHA-1. Anything else says nothing about the content.
 */
export function hashFromEtag(etag: string): ContentHash | undefined {
  const hex = etag.replace(/^W\//, "").replaceAll('"', "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return { algorithm: "sha256", hex };
  if (/^[0-9a-f]{40}$/.test(hex)) return { algorithm: "sha1", hex };
  return undefined;
}

/** Reads the whole file. `received` is what the content hashes to. @throws the signal's reason when aborted */
export async function checkContent(path: string, expected: ContentHash, signal: AbortSignal | undefined) {
  if (expected.algorithm === "sha256") {
    const received = (await fileRecord(path, signal)).sha256;
    return { matches: received === expected.hex, received };
  }
  const { size } = await stat(path);
  const blob = createHash("sha1").update(`blob ${size}\0`);
  const plain = createHash("sha1");
  for await (const chunk of createReadStream(path)) {
    signal?.throwIfAborted();
    blob.update(chunk);
    plain.update(chunk);
  }
  const received = blob.digest("hex");
  return { matches: received === expected.hex || plain.digest("hex") === expected.hex, received };
}
