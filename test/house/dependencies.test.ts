import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const manifest = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8"));
const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest as Partial<
  Record<string, Record<string, string>>
>;
const packages = { ...dependencies, ...devDependencies, ...optionalDependencies, ...peerDependencies };

const contributing = readFileSync(resolve(root, "CONTRIBUTING.md"), "utf8");
const [, section = ""] = /^## Dependencies$([\s\S]*?)^## /m.exec(contributing) ?? [];
/** The names in the first cells of the table. "@types/*" stands for all that start so; "*optional*" is a remark. */
const listed = [...section.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell]) =>
  cell!
    .replace(/\(?\*[^*]+\*\)?/, "")
    .split(",")
    .map((name) => name.trim()),
);

describe("a dependency", () => {
  it.each(Object.keys(packages))("%s has its reason in CONTRIBUTING.md", (name) => {
    expect(listed.some((entry) => entry === name || (entry.endsWith("*") && name.startsWith(entry.slice(0, -1))))).toBe(
      true,
    );
  });

  it.each(Object.entries(packages))("%s is pinned to one version: %s", (_, version) => {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it("does not stay in CONTRIBUTING.md when it has gone", () => {
    const names = listed.filter((entry) => entry !== "package" && !/^-+$/.test(entry) && !entry.endsWith("*"));
    expect(names.filter((entry) => !(entry in packages))).toEqual([]);
  });
});
