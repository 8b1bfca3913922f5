import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "test/README.md"), "utf8");
/** The tables of test/README.md name these in their first column: folders end in a slash. */
const named = [...readme.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell]) =>
  [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
);
const folders = named.filter((name) => name.endsWith("/"));

const tests = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".test.ts"),
);

describe("a test file", () => {
  it("lies where its source file lies, or test/README.md says why not", () => {
    const lost = tests.filter((file) => !hasSource(file) && !isNamed(file));
    expect(lost).toEqual([]);
  });

  it("is not excused by test/README.md without need", () => {
    const files = named.filter((name) => name.endsWith(".test.ts"));
    expect(files.filter((name) => !existsSync(join(root, "test", name)) || hasSource(name))).toEqual([]);
  });
});

describe("a folder of test/", () => {
  it("is not excused as a whole by test/README.md where it is a room of src/", () => {
    expect(folders.filter((name) => existsSync(join(root, "src", name)))).toEqual([]);
  });

  it("is a room of src/, or test/README.md lists it", () => {
    const all = readdirSync(join(root, "test")).filter((name) => statSync(join(root, "test", name)).isDirectory());
    expect(all.filter((name) => !existsSync(join(root, "src", name)) && !folders.includes(`${name}/`))).toEqual([]);
  });
});

function hasSource(file: string): boolean {
  return existsSync(join(root, "src", file.replace(/\.test\.ts$/, ".ts")));
}

function isNamed(file: string): boolean {
  return named.includes(file) || folders.some((folder) => file.startsWith(folder));
}
