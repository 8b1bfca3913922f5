import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { EncoderError } from "../errors.ts";

/** The embedded model ships with the package as a checkpoint and is built on its first use. */
export const embeddedName = "everyday-mini";

/** Earlier versions shipped these models. None is an alias, since vectors of two models must never be mixed. */
const retiredNames = ["pictogram-mini"];

export type Location = { kind: "embedded" } | { kind: "folder"; directory: string };

/**
 * Anything with a slash, `.` or `..` is a path; a plain name is an installed model, or else a folder here.
 * @throws EncoderError MODEL_INVALID for the name of an embedded model that is no longer shipped.
 */
export async function locateModel({ model, modelsDir }: { model: string; modelsDir: string }): Promise<Location> {
  if (model === embeddedName) return { kind: "embedded" };
  if (retiredNames.includes(model)) {
    const message = `${model} is no longer shipped; its successor is ${embeddedName}, which finds photographs, too. Their vectors cannot be compared: set MODEL=${embeddedName}, and encode anew what was encoded with ${model}.`;
    throw new EncoderError("MODEL_INVALID", message);
  }
  const path = resolve(withHome(model));
  if (isAbsolute(model) || /[/\\]|^[.~]/.test(model)) return { kind: "folder", directory: path };
  const installed = join(resolve(withHome(modelsDir)), model);
  const directory = !(await exists(installed)) && (await exists(path)) ? path : installed;
  return { kind: "folder", directory };
}

/** `~` and `~/…` mean the home folder, also where no shell has expanded them. */
export function withHome(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(home(), path.slice(1)) : path;
}

/** @throws EncoderError CONFIG_INVALID for a user without one, such as a number that a container runs as. */
function home(): string {
  let found = "";
  try {
    found = homedir();
  } catch {
    // Neither HOME nor the system's list of users has one.
  }
  if (found !== "") return found;
  const message = "There is no home folder: set HOME, or MODELS_DIR and HF_HOME to folders.";
  throw new EncoderError("CONFIG_INVALID", message);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
