import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { Tokenizer as RustTokenizer } from "tokenizers";
import { describe, expect, it } from "vitest";
import { openTokenizer } from "../../src/text/tokenizer.ts";
import { temporaryFolder } from "../support/checkpoints.ts";

const running = new AbortController().signal;
const files = ["models/everyday-mini/text/tokenizer.json", "test/fixtures/golden/tiny/text/tokenizer.json"];

describe.each(files)("the tokens of %s", (name) => {
  const file = resolve(import.meta.dirname, "../..", name);
  const maxTokens = 8; // so that 257 characters are a long text
  const tokenizer = openTokenizer({ file, maxTokens });
  const reference = RustTokenizer.fromFile(file);

  async function whole(text: string) {
    const ids = (await reference.encode(text)).getIds();
    const truncated = ids.length > maxTokens;
    const kept = truncated ? [...ids.slice(0, maxTokens - 1), ids.at(-1)!] : ids;
    const unknown = kept.filter((id) => id === reference.tokenToId("[UNK]")).length;
    return { ids: kept, key: kept.join(), truncated, unknown };
  }

  it("count what the vocabulary has no token for", async () => {
    const [known, mixed] = await tokenizer.tokenize(["a", "a \u{12000}\u{12000}"], running);
    expect(known!.unknown).toBe(0);
    expect(mixed!.unknown).toBeGreaterThan(0);
  });

  it("of any text, however long, are the first of the whole text's", async () => {
    const word = fc.oneof(
      fc.constantFrom(
        " ",
        "\n",
        "\t",
        "\u3000",
        "\u0301",
        "\u200d",
        "x".repeat(101),
        "   ".repeat(90),
        "漢字",
        "...",
        "[CLS]",
        "\0".repeat(200),
        "漢字かな".repeat(40),
      ),
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.lorem({ maxCount: 5 }),
    );
    const text = fc
      .tuple(fc.array(word, { maxLength: 60 }), fc.constantFrom(" ", "", "\t", "漢"))
      .map(([words, separator]) => words.join(separator))
      .filter((text) => text.trim() !== "");
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 4 }), async (texts) => {
        expect(await tokenizer.tokenize(texts, running)).toEqual(await Promise.all(texts.map(whole)));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ["spaces before the only word", `${" ".repeat(1000)}bicycle`],
    ["accents that are removed", `e${"\u0301".repeat(1000)} bicycle`],
    ["one word", "x".repeat(1000)],
    ["words without spaces", "漢字".repeat(500)],
    ["words", "a red bicycle ".repeat(100)],
    ["words between tabs", "bicycle\t".repeat(500)],
    ["a word that goes on behind what is removed", `${"漢字".repeat(3)}e${"\0".repeat(1000)}x`],
    ["a special token on the edge", `${"漢".repeat(62)}[MASK]${"漢".repeat(500)}`],
    ["two units a character", "😀".repeat(500)],
    ["few words, then one without end", `漢字 ${"x".repeat(1000)}`],
  ])("of %s beyond the start of a long text", async (_name, text) => {
    expect(await tokenizer.tokenize([text], running)).toEqual([await whole(text)]);
  });
});

describe("a tokenizer that cannot be read", () => {
  it("is refused in our words, with the library's beside them", async () => {
    const broken = join(await temporaryFolder(), "tokenizer.json");
    await writeFile(broken, JSON.stringify({ model: { type: "Unknown" } }));
    const refused = expect.objectContaining({ code: "MODEL_INVALID", internal: expect.any(String) });
    expect(() => openTokenizer({ file: broken, maxTokens: 8 })).toThrow(refused);
  });
});

describe("tokenising", () => {
  const file = resolve(import.meta.dirname, "../..", files[0]!);

  it("of several megabytes without a space ends where its request does", { timeout: 10_000 }, async () => {
    const tokenizer = openTokenizer({ file, maxTokens: 128 });
    const caller = new AbortController();
    const tokens = tokenizer.tokenize(Array(64).fill(` ${" ".repeat(10_000)}${"漢".repeat(300_000)}`), caller.signal);
    setTimeout(() => caller.abort(new Error("gone")), 100);
    await expect(tokens).rejects.toThrow("gone");
  });

  it("of long texts lets short ones pass", async () => {
    const tokenizer = openTokenizer({ file, maxTokens: 128 });
    let longDone = 0;
    const long = Array.from({ length: 16 }, async () => {
      await tokenizer.tokenize(["漢字".repeat(200_000), "x".repeat(400_000)], running);
      longDone++;
    });
    await tokenizer.tokenize(["a red bicycle"], running);
    expect(longDone).toBe(0);
    await Promise.all(long);
  });
});
