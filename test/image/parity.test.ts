import { describe, expect, it } from "vitest";
import { problemsWith } from "../../scripts/parity/compare.ts";
import { differences } from "../../scripts/parity/differences.ts";
import { parityCorpus as corpus } from "../support/parity-file.ts";

const formatOf = (name: string) => name.split("-")[0]!;
const formats = [...new Set(corpus.map(({ name }) => formatOf(name)))];

describe("the parity corpus", () => {
  it.each(formats)("gives Pillow's pixels or its refusal, but for what differs on purpose: %s", async (format) => {
    const cases = corpus.filter(({ name }) => formatOf(name) === format);
    const problems: string[] = [];
    for (const one of cases) problems.push(...(await problemsWith(one)));
    expect(problems).toEqual([]);
  });

  it("has hundreds of files of every format", () => {
    expect(corpus.length).toBeGreaterThanOrEqual(700);
    expect(formats).toEqual(expect.arrayContaining(["jpeg", "png", "webp", "gif", "avif", "heic", "tiff", "bmp"]));
  });

  it.each(differences)("has files in which $why", ({ files }) => {
    expect(corpus.filter(({ name }) => files.test(name))).not.toEqual([]);
  });
});
