import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const mostColumns = 120;
/** Folders that hold nothing written by hand. */
const foreign = ["node_modules", "dist", "work", "coverage"];

const pages = markdownFiles(root).map((path) => ({ path: relative(root, path), text: readFileSync(path, "utf8") }));
const byPath = Object.fromEntries(pages.map(({ path, text }) => [path, text]));

describe("a Markdown page", () => {
  it("is found in every folder that has one", () => {
    const expected = ["README.md", "docs/architecture.md", "docs/lab/README.md", "models/everyday-mini/README.md"];
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

describe("a doc comment in src/", () => {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => ({ file, text: readFileSync(join(root, "src", file), "utf8") }));

  it("begins with a sentence that has a verb", () => {
    const fragments = sources.flatMap(({ file, text }) =>
      [...text.matchAll(/\/\*\*\s([\s\S]*?)\*\//g)]
        .map(([, comment]) => comment!.replace(/^\s*\* ?/gm, " ").trim())
        .filter(isFragment)
        .map((comment) => `${file}: ${comment}`),
    );
    expect(fragments).toEqual([]);
  });

  it.each(["Whether it is there.", "How many bytes follow.", "The folder of the models."])("is not %s", (comment) => {
    expect(isFragment(comment)).toBe(true);
  });
});

describe("the check of links", () => {
  it("finds a missing file and a missing heading", () => {
    expect(leadsSomewhere("docs/models.md", "missing.md")).toBe(false);
    expect(leadsSomewhere("docs/models.md", "performance.md#missing")).toBe(false);
    expect(leadsSomewhere("docs/models.md", "performance.md#sizing")).toBe(true);
  });
});

/** These finite verbs follow a noun in this repository's comments; a sentence with another one adds it here. */
const verbs = new Set(
  `is are was were has have had can cannot may must will would should do does did needs gives give takes take reads
  writes says tells holds keeps makes make means mean names counts comes come goes lies lie stands stand becomes become
  begins begin ends end gets waits wait runs fails fail grows knows shows starts stops works asks uses use calls opens
  contains costs cost fits falls leaves leave differs differ decides declares depends returns matches covers applies
  stays suits settles belongs belong brings sits fixes wrote closes owns ships built expects see sees live lives fills
  fill looks began computes encodes pays appears redirects adds carries renews shares share say need
  chooses`.split(/\s+/),
);

/** Recognises a first sentence without a main verb by how it begins; what begins with a verb is a sentence. */
function isFragment(comment: string): boolean {
  const plain = comment.replace(/`[^`]*`/g, "X").replace(/\([^)]*\)/g, "");
  const first = plain.split(/[.:;](?:\s|$)/)[0]!.trim();
  if (/^(Whether|How (many|much|long|often|far)|Told|Undefined|The same (for|as|,))\b[^,]*$/.test(first)) return true;
  return /^(The|A|An|Some|Every|All|One) /.test(first) && !first.split(/[^A-Za-z]+/).some((word) => verbs.has(word));
}

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
