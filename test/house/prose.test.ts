import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const mostColumns = 120;
/** These folders hold nothing written by hand. */
const foreign = ["node_modules", "dist", "work", "coverage"];

const pages = markdownFiles(root).map((path) => ({ path: relative(root, path), text: readFileSync(path, "utf8") }));
const byPath = Object.fromEntries(pages.map(({ path, text }) => [path, text]));

describe("a Markdown page", () => {
  it("is found in every folder that has one", () => {
    const expected = ["README.md", "docs/architecture.md", "docs/lab/README.md", "models/pictogram-mini/README.md"];
    expect(Object.keys(byPath)).toEqual(expect.arrayContaining(expected));
  });

  it.each(Object.keys(byPath))("%s has lines of at most 120 columns outside tables", (path) => {
    const long = byPath[path]!.split("\n").flatMap((line, index) =>
      [...line].length > mostColumns && !line.startsWith("|") && !isOneWord(line) ? [`line ${index + 1}: ${line}`] : [],
    );
    expect(long).toEqual([]);
  });

  it.each(Object.keys(byPath))("%s links only to pages, headings and files that exist", (path) => {
    const broken = linksOf(byPath[path]!).filter((target) => !leadsSomewhere(path, target));
    expect(broken).toEqual([]);
  });

  it.each(Object.keys(byPath))("%s names only files of this repository that exist", (path) => {
    const named = [...withoutFences(byPath[path]!).matchAll(/`([^`\s]+)`/g)].map(([, code]) => code!);
    const files = named.filter((code) => /^(src|test|scripts|bench|docs|examples|web)\/[\w./-]*$/.test(code));
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});

describe("the check of links", () => {
  it("finds a missing file and a missing heading", () => {
    expect(leadsSomewhere("docs/models.md", "missing.md")).toBe(false);
    expect(leadsSomewhere("docs/models.md", "performance.md#missing")).toBe(false);
    expect(leadsSomewhere("docs/models.md", "performance.md#sizing")).toBe(true);
  });
});

function markdownFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith(".") || foreign.includes(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return markdownFiles(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

/** A long URL cannot be broken. */
function isOneWord(line: string): boolean {
  return !/\S\s+\S/.test(line.replace(/^\s*(?:[-*]|\d+\.)\s+/, ""));
}

function withoutFences(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, "");
}

/** Lists the targets of `[text](target)` that are not on the web. */
function linksOf(text: string): string[] {
  const links = [...withoutFences(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  return links.filter((target) => !/^(https?|mailto):/.test(target));
}

function leadsSomewhere(page: string, target: string): boolean {
  const [path = "", heading] = target.split("#");
  const file = path === "" ? page : join(dirname(page), path);
  if (!existsSync(join(root, file))) return false;
  if (heading === undefined) return true;
  const headings = [...withoutFences(byPath[file] ?? "").matchAll(/^#+ (.*)$/gm)].map(([, text]) => slug(text!));
  return headings.includes(heading);
}

/** Gives the anchor that GitHub gives a heading. */
function slug(heading: string): string {
  const words = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "");
  return words.trim().replaceAll(" ", "-");
}
