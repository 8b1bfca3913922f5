import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll } from "vitest";

/** A checkpoint pair that differs from the golden one in everything a checkpoint may differ in; 96 dimensions. */
export const second = resolve(import.meta.dirname, "../fixtures/checkpoints/second");

/**
 * Has two image towers under a gate, and a text tower with two dense layers; 32 dimensions. `text-pair/text` has two
 * text towers instead.
 */
export const gated = resolve(import.meta.dirname, "../fixtures/checkpoints/gated");

/** Copies the second pair, so that a test may damage it. An empty folder beside the copy is free for the result. */
export const copyPair = () => copyCheckpoints(second);
export const copyGatedPair = () => copyCheckpoints(gated);

export const copyGatedTextPair = () => copyCheckpoints(gated, join(gated, "text-pair"));

async function copyCheckpoints(
  pair: string,
  texts = pair,
): Promise<{ imageDir: string; textDir: string; outDir: string }> {
  const folder = await temporaryFolder();
  await cp(join(pair, "image"), join(folder, "image"), { recursive: true });
  await cp(join(texts, "text"), join(folder, "text"), { recursive: true });
  return { imageDir: join(folder, "image"), textDir: join(folder, "text"), outDir: join(folder, "model") };
}

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** Makes a folder that is removed after the tests of the file. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "image-text-encoder-test-"));
  folders.push(folder);
  return folder;
}

/** Sets the key at a dotted path. A value of undefined removes the key. */
export async function editJson(file: string, path: string, value: unknown): Promise<void> {
  const json = JSON.parse(await readFile(file, "utf8"));
  const keys = path.split(".");
  const last = keys.pop()!;
  let at = json;
  for (const key of keys) at = at[key];
  at[last] = value;
  await writeFile(file, JSON.stringify(json));
}

type TensorEntry = { dtype: string; shape: number[]; data_offsets: number[] };

export function safetensorsBytes(header: Record<string, TensorEntry | object> | string, data: Uint8Array): Uint8Array {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}
