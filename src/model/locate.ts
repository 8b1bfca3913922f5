import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/** This model ships with the package as a checkpoint and is built on its first use. */
export const embeddedName = "pictogram-mini";

export type Location = { kind: "embedded" } | { kind: "folder"; directory: string };

/** Anything with a slash, `.` or `..` is a path; a plain name is an installed model, or else a folder here. */
export async function locateModel({ model, modelsDir }: { model: string; modelsDir: string }): Promise<Location> {
  if (model === embeddedName) return { kind: "embedded" };
  const path = resolve(withHome(model));
  if (isAbsolute(model) || /[/\\]|^[.~]/.test(model)) return { kind: "folder", directory: path };
  const installed = join(resolve(withHome(modelsDir)), model);
  const directory = !(await exists(installed)) && (await exists(path)) ? path : installed;
  return { kind: "folder", directory };
}

/** `~` and `~/…` mean the home folder, also where no shell has expanded them. */
export function withHome(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
