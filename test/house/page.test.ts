import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../../web/src");
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));
const sources = files.map((file) => ({ file, source: readFileSync(join(root, file), "utf8") }));

/** Ways by which text becomes markup or code. */
const forbidden =
  /\b(innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|createContextualFragment|eval\()|new Function\b/;

describe("the page's source", () => {
  it("never makes markup or code of text", () => {
    expect(files.length).toBeGreaterThan(40);
    expect(sources.filter(({ source }) => forbidden.test(source)).map(({ file }) => file)).toEqual([]);
  });

  it("imports nothing of the service but its typed client, which speaks the public interface", () => {
    const imports = sources.flatMap(({ file, source }) =>
      [...source.matchAll(/^(?:import|export)[^;]*? from "([^"]+)"/gms)].map(([, from]) => ({ file, from: from! })),
    );
    const outside = imports.filter(
      ({ from }) =>
        (/(^|\/)\.\.\/\.\.\/(\.\.\/)*src\//.test(from) && !from.endsWith("/src/client/client.ts")) ||
        from.startsWith("node:"),
    );
    expect(outside).toEqual([]);
  });

  it("names no other address than the licences' sources", () => {
    const named = sources.flatMap(({ file, source }) =>
      [...source.matchAll(/https?:\/\/[\w.]+/g)].map(([url]) => `${file}: ${url}`),
    );
    expect(named.filter((name) => !name.startsWith("collections/gallery-data.ts: https://github.com"))).toEqual([]);
  });

  it("has files of at most 250 lines, its style among them", () => {
    const styles = readdirSync(join(root, "style")).map((file) => ({
      file,
      source: readFileSync(join(root, "style", file), "utf8"),
    }));
    expect(styles.length).toBeGreaterThan(5);
    expect(
      [...sources, ...styles].filter(({ source }) => source.split("\n").length > 251).map(({ file }) => file),
    ).toEqual([]);
  });
});
