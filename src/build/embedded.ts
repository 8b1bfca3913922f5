import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { EncoderError } from "../errors.ts";
import { packageRoot, packageVersion } from "../host/package.ts";
import { fileRecord, openModel } from "../model/folder.ts";
import { embeddedName } from "../model/locate.ts";
import { formatVersion, type Model } from "../model/manifest.ts";
import { temporaryFolder } from "../storage/temporary-folder.ts";

export interface EmbeddedOptions {
  modelsDir: string;
  signal?: AbortSignal | undefined;
  /** Called with the reason if the model is built into a temporary folder: `modelsDir` cannot be written. */
  onTemporary?: ((reason: EncoderError) => void) | undefined;
}

/**
 * The embedded model, built on its first use into a folder of `modelsDir` that is named after everything it depends on.
 * Of several processes that do this at once, one builds and the others take its result.
 */
export async function openEmbedded({ modelsDir, signal, onTemporary }: EmbeddedOptions): Promise<Model> {
  const checkpoint = join(packageRoot, "models", embeddedName);
  const folder = `${embeddedName}-${await fingerprint(checkpoint, signal)}`;
  const build = async (outDir: string) => {
    // Whoever serves a model that is there already needs no builder, which is 8 MiB of code.
    const { buildModel } = await import("./build.ts");
    return buildModel({
      imageDir: join(checkpoint, "image"),
      textDir: join(checkpoint, "text"),
      outDir,
      name: embeddedName,
      precision: "fp32",
      keepExisting: true,
      ...(signal && { signal }),
    });
  };
  /** Opens the model below a folder, or builds it there; one that is damaged is replaced. */
  const openBelow = (parent: string) => openModel(join(parent, folder)).catch(() => build(join(parent, folder)));
  return openBelow(modelsDir).catch(async (error) => {
    if (!(error instanceof EncoderError) || error.code !== "STORAGE_FAILED") throw error;
    onTemporary?.(error);
    return openBelow(await temporaryFolder());
  });
}

/** Rooms whose code makes graphs of checkpoints. A clone is updated without another version of the package. */
const builderRooms = ["architecture", "build", "checkpoint", "graph"];

/** Changes with the checkpoint's bytes, the folder format, this package's version, and the code that builds. */
async function fingerprint(checkpoint: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256").update(`${formatVersion} ${await packageVersion()}\n`);
  for (const room of builderRooms) {
    const folder = new URL(`../${room}/`, import.meta.url);
    for (const name of (await readdir(folder, { recursive: true })).sort()) {
      if (/(?<!\.d)\.[jt]s$/.test(name)) hash.update(await readFile(new URL(name, folder)));
    }
  }
  for (const tower of ["image", "text"]) {
    const folder = join(checkpoint, tower);
    const names = await readdir(folder, { recursive: true }).catch((cause) => {
      const message = "The embedded model is missing from this installation; install it again.";
      throw new EncoderError("MODEL_INVALID", message, { cause, internal: folder });
    });
    for (const name of names.sort()) {
      if (!(await stat(join(folder, name))).isFile()) continue;
      const { sha256 } = await fileRecord(join(folder, name), signal);
      hash.update(`${tower}/${name} ${sha256}\n`);
    }
  }
  return hash.digest("hex").slice(0, 16);
}
