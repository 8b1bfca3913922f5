import { randomBytes } from "node:crypto";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { removePacked } from "../build/packed.ts";
import { modelSettings } from "../config/encoder.ts";
import { EncoderError, toEncoderError } from "../errors.ts";
import { type CatalogEntry, catalog, findInCatalog } from "../model/catalog.ts";
import { isReplaceable, openModel, verifyModel } from "../model/folder.ts";
import type { Model } from "../model/manifest.ts";
import { absoluteFolder } from "./absolute-folder.ts";
import { command } from "./command.ts";

/** A NAME with a slash is a model folder anywhere. */
export const models = command({
  summary: "List, verify or remove installed models",
  operands: "list | verify [NAME] | remove NAME",
  settings: { modelsDir: modelSettings.modelsDir },
  async run({ values, operands: [action, name, ...rest], signal }) {
    const place = absoluteFolder(values.modelsDir);
    if (rest.length === 0) {
      if (action === "list" && name === undefined) return list(place);
      if (action === "verify") return verify(place, name, signal);
      if (action === "remove" && name !== undefined) return remove(place, name);
    }
    throw new EncoderError("CONFIG_INVALID", "Expected: models list, models verify [NAME], or models remove NAME");
  },
});

async function list(place: string): Promise<void> {
  const names = await installed(place);
  for (const name of names) {
    const damaged = (error: Error) => `${name}  DAMAGED: ${error.message}`;
    const line = await openModel(join(place, name)).then(describeModel, damaged);
    process.stdout.write(`${line}\n`);
  }
  if (names.length === 0) process.stdout.write(`No models in ${place}.\n`);
  process.stdout.write("Known to pull, by name (image cost: work for a picture, in that of ViT-B/32):\n");
  for (const [name, entry] of Object.entries(catalog)) {
    const size = `${entry.dimensions} dimensions  ${entry.downloadMb} MB`;
    process.stdout.write(`  ${name}  ${size}  ${describeEntry(entry)}\n`);
  }
}

function describeEntry({ languages, licence, imageCost }: CatalogEntry): string {
  return `${languages}  ${licence}  image cost ${imageCost}`;
}

/** Reads every byte of one model or of all. */
async function verify(place: string, name: string | undefined, signal: AbortSignal): Promise<void> {
  const folders =
    name === undefined ? (await installed(place)).map((name) => join(place, name)) : [folderOf(place, name)];
  let damaged = 0;
  for (const folder of folders) {
    try {
      const model = await openModel(folder);
      await verifyModel(model, signal);
      process.stdout.write(`ok       ${folder}\n`);
    } catch (error) {
      signal.throwIfAborted();
      damaged++;
      process.stdout.write(`DAMAGED  ${folder}: ${toEncoderError(error).message}\n`);
    }
  }
  if (damaged === 0) return;
  const message = `${damaged} of ${folders.length} models are damaged: pull or build them again.`;
  throw new EncoderError("MODEL_INVALID", message);
}

/** Removes a model, which vanishes from sight at once, and then file by file. */
async function remove(place: string, name: string): Promise<void> {
  const folder = folderOf(place, name);
  const isThere = (await stat(folder).catch(() => undefined))?.isDirectory();
  if (!isThere) throw new EncoderError("MODEL_INVALID", `There is no model ${name} in ${place}.`);
  if (!(await isReplaceable(folder))) {
    throw new EncoderError("MODEL_INVALID", `${folder} holds files that are not a model's: delete it by hand.`);
  }
  const model = await openModel(folder).catch(() => undefined); // what was packed of a damaged one goes in a month
  const hidden = join(folder, "..", `.removed.${randomBytes(4).toString("hex")}`);
  await rename(folder, hidden);
  await rm(hidden, { recursive: true, force: true });
  if (model) await removePacked(model, place);
  process.stdout.write(`removed ${folder}\n`);
}

function folderOf(place: string, name: string): string {
  return name.includes("/") ? absoluteFolder(name) : join(place, name);
}

/** Lists the folders that hold a model in whatever state; hidden ones are downloads and unfinished builds. */
async function installed(place: string): Promise<string[]> {
  const entries = await readdir(place, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => !entry.name.startsWith(".") && !entry.isFile());
  return folders.map(({ name }) => name).sort();
}

/** Writes one line: name, size, precision, what the catalog knows, sources. */
export function describeModel({ directory, manifest }: Model): string {
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
  const origins = [manifest.sources.image, manifest.sources.text].map(({ repository, revision }) =>
    repository === undefined ? "a local checkpoint" : `${repository}@${revision?.slice(0, 12)}`,
  );
  const precision = `image ${manifest.image.precision}, text ${manifest.text.precision}`;
  const entry = findInCatalog(manifest.sources);
  const facts = entry ? `  ${describeEntry(entry)}` : "";
  return `${basename(directory)}  ${(bytes / 1e6).toFixed(1)} MB  ${precision}${facts}  from ${origins.join(" and ")}  in ${directory}`;
}
