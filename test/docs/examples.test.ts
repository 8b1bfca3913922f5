import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const folder = resolve(import.meta.dirname, "../../examples");
const read = (...path: string[]) => readFileSync(join(folder, ...path), "utf8");
const databases = readdirSync(join(folder, "databases"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
/** Lists every folder of examples/ that has a manifest of packages of its own. */
const manifests = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
  (path) => /(^|\/)(package\.json|requirements\.txt)$/.test(path) && !/node_modules|\.venv/.test(path),
);

describe("an example of a database", () => {
  it.each(databases)("%s is one program of less than 80 lines with a README of one screen", (name) => {
    const programs = readdirSync(join(folder, "databases", name)).filter((file) => /^pictures\.(ts|py)$/.test(file));
    expect(programs).toHaveLength(1);
    expect(read("databases", name, programs[0]!).trimEnd().split("\n").length).toBeLessThan(80);
    expect(read("databases", name, "README.md").split("\n").length).toBeLessThan(60);
  });
});

describe("the packages of an example", () => {
  it.each(manifests.filter((path) => path.endsWith(".json")))("%s are pinned, and locked without addresses", (path) => {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(read(path));
    for (const version of Object.values({ ...dependencies, ...devDependencies })) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    }
    const lock = path.replace("package.json", "package-lock.json");
    expect(existsSync(join(folder, lock))).toBe(true);
    expect(read(lock)).not.toContain('"resolved"');
  });

  it.each(manifests.filter((path) => path.endsWith(".txt")))("%s are pinned", (path) => {
    const lines = read(path).trim().split("\n");
    expect(lines.filter((line) => !/^[\w.-]+(\[[\w,]+\])?==[\w.]+$/.test(line))).toEqual([]);
  });
});
