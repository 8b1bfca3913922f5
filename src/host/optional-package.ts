import { readFile } from "node:fs/promises";
import { EncoderError } from "../errors.ts";

/**
 * Loads packages that a plain installation leaves out.
 * @param purpose what needs them, as the beginning of a sentence: "An index"
 * @param packages what to install, by name
 * @throws EncoderError CONFIG_INVALID saying what to install
 */
export async function loadOptional<T>(
  { purpose, packages }: { purpose: string; packages: readonly string[] },
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const command = `npm install ${(await withVersions(packages)).join(" ")}`;
    const message = `${purpose} needs packages that are not installed; install them with: ${command}`;
    throw new EncoderError("CONFIG_INVALID", message, { cause });
  }
}

/** Names each package with the version that this program was tested with. */
async function withVersions(packages: readonly string[]): Promise<string[]> {
  const manifest = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
  return packages.map((name) => `${name}@${manifest.peerDependencies[name]}`);
}
