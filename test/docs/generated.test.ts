import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { docsFolder, generatedDocs } from "../../scripts/generate-docs.ts";

const generated = await generatedDocs();

describe("pages of docs/ that come from code", () => {
  it.each(Object.keys(generated))("%s is what `npm run docs` writes", (name) => {
    expect(readFileSync(join(docsFolder, name), "utf8")).toBe(generated[name]);
  });

  it("tell of every setting, error and route", () => {
    expect(generated["configuration.md"]).toContain("`PORT`<br>`--port`");
    expect(generated["configuration.md"]).toContain("`HF_ENDPOINT`");
    expect(generated["errors.md"]).toContain("`IMAGE_UNREADABLE` | 422");
    const { paths } = JSON.parse(generated["openapi.json"]!);
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(["/encode_text", "/encode_image", "/health", "/info"]));
  });
});
