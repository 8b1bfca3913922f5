import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { describeIssues, jsonOf } from "../config/json.ts";
import { EncoderError } from "../errors.ts";
import { type FileRecord, type Model, manifestFile, manifestSchema, readableVersions } from "./manifest.ts";

/**
 * Opens a model folder: reads its manifest and looks whether every file is there at its full size.
 * @throws EncoderError MODEL_INVALID saying what is wrong and how to mend it.
 */
export async function openModel(directory: string): Promise<Model> {
  const fail = (problem: string) => modelInvalid(problem, directory);
  const isFolder = (await stat(directory).catch(() => undefined))?.isDirectory();
  if (!isFolder) throw fail("there is no such model folder");
  const manifest = await readManifest(directory);
  for (const [file, { bytes }] of Object.entries(manifest.files)) {
    const found = await stat(join(directory, file)).catch(() => undefined);
    if (!found?.isFile()) throw fail(`${file} is missing`);
    if (found.size !== bytes) throw fail(`${file} has ${found.size} bytes, the manifest says ${bytes}`);
  }
  return { directory, manifest };
}

/**
 * Compares the sha256 of files, by default of all, with the manifest's, which takes seconds for a large model.
 * @throws EncoderError MODEL_INVALID naming the first file that was altered.
 */
export async function verifyModel(
  { directory, manifest }: Model,
  signal?: AbortSignal,
  files = Object.keys(manifest.files),
): Promise<void> {
  for (const file of files) {
    const actual = await fileRecord(join(directory, file), signal);
    if (actual.sha256 === manifest.files[file]?.sha256) continue;
    throw modelInvalid(`${file} was altered: its sha256 is not the manifest's`, directory);
  }
}

/** @throws the signal's reason when aborted, which a stream with a signal would replace by an error of its own */
export async function fileRecord(path: string, signal?: AbortSignal): Promise<FileRecord> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    signal?.throwIfAborted();
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Tells whether there is nothing, or a model and no file besides: other projects have a manifest.json, too. */
export async function isReplaceable(place: string): Promise<boolean> {
  const names: string[] = await readdir(place).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (names.length === 0) return true;
  const schema = z.object({ formatVersion: z.number(), files: z.record(z.string(), z.unknown()) });
  const manifest = await readFile(join(place, manifestFile), "utf8").catch(() => "null");
  const files = schema.safeParse(jsonOf(manifest)).data?.files;
  return files !== undefined && names.every((name) => name === manifestFile || Object.hasOwn(files, name));
}

async function readManifest(directory: string) {
  const fail = (problem: string) => modelInvalid(problem, directory);
  const text = await readFile(join(directory, manifestFile), "utf8").catch(async () => {
    const checkpoint = await stat(join(directory, "modules.json")).catch(() => undefined);
    if (checkpoint) throw fail("this is a checkpoint, not a model folder: it must be built first");
    throw fail(`${manifestFile} is missing: this is not a model folder`);
  });
  const json = jsonOf(text);
  if (json === undefined) throw fail(`${manifestFile} is not JSON`);
  const version = z.object({ formatVersion: z.number() }).safeParse(json).data?.formatVersion;
  if (version !== undefined && !readableVersions.includes(version)) {
    throw fail(`it has format version ${version}, this program reads ${readableVersions.join(" and ")}`);
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) throw fail(`${manifestFile} does not fit: ${describeIssues(parsed.error)}`);
  const { image, text: tower, files } = parsed.data;
  const unlisted = [image.graph, tower.graph, tower.tokenizer].find((file) => !(file in files));
  if (unlisted !== undefined) throw fail(`${manifestFile} does not list ${unlisted} among its files`);
  return parsed.data;
}

function modelInvalid(problem: string, directory: string): EncoderError {
  const remedy =
    "Download it with: image-text-encoder pull NAME, or build it with: image-text-encoder build --image DIR --text DIR --out DIR";
  return new EncoderError("MODEL_INVALID", `The model cannot be used: ${problem}. ${remedy}`, { internal: directory });
}
