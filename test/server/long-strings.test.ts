import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JsonGuard } from "../../src/server/json-guard.ts";
import { takeOut } from "../../src/server/long-strings.ts";

/** Parses JSON that arrives in pieces, around its long strings. */
async function parse(json: string | Buffer, pieceBytes = 50_000) {
  const body = Buffer.from(json as string);
  const guard = new JsonGuard({ maxValues: 1000 });
  for (let at = 0; at < body.length; at += pieceBytes) guard.inspect(body.subarray(at, at + pieceBytes));
  let turns = 0;
  const nextTurn = async () => {
    turns++;
  };
  const { rest, restore } = await takeOut(body, { longStrings: guard.longStrings, nextTurn });
  return { value: restore(JSON.parse(rest.toString())), rest, turns };
}

const long = (filler: string) => filler.repeat(Math.ceil(20_000 / filler.length));

describe("JSON with long strings", () => {
  it("is parsed as JSON.parse has it, whatever the strings hold and wherever the body is cut", async () => {
    const string = fc.oneof(
      fc.string(),
      fc.constantFrom(long("iVBORw0KGgo"), long("ü"), long('a"'), long("\\"), long("\n"), `${long("x")}\\`),
    );
    const json = fc.dictionary(fc.string(), fc.oneof(string, fc.array(string, { maxLength: 3 })), { maxKeys: 4 });
    await fc.assert(
      fc.asyncProperty(json, fc.integer({ min: 1000, max: 90_000 }), async (value, pieceBytes) => {
        const text = JSON.stringify(value);
        expect((await parse(text, pieceBytes)).value).toEqual(JSON.parse(text));
      }),
      { numRuns: 60 },
    );
  });

  it("leaves little to parse, and gives up its turn every few megabytes", async () => {
    const images = [1, 2].map((seed) => ({ b64: Buffer.alloc(9_000_000, seed).toString("base64") }));
    const { value, rest, turns } = await parse(JSON.stringify({ images }));
    expect(value).toEqual({ images });
    expect(rest.length).toBeLessThan(200);
    expect(turns).toBeGreaterThanOrEqual(6);
  });

  it("is refused where a string holds a line break that is not escaped", async () => {
    await expect(parse(`{"image_b64": "${long("QUJD")}\n"}`)).rejects.toMatchObject({ code: "INVALID_JSON" });
  });

  it.each([":", " \r\n\t:"])("is refused where a field has such a long name, before %j", async (colon) => {
    const wrong = parse(`{"a": ["${long("QUJD")}", {"${long("QUJD")}"${colon} 1}]}`);
    await expect(wrong).rejects.toMatchObject({ code: "INVALID_REQUEST", message: expect.stringMatching(/name/) });
  });

  it("is refused for such a name also where the body is cut behind it", async () => {
    const name = long("QUJD");
    const wrong = parse(`{"${name}"  : 1}`, name.length + 3);
    await expect(wrong).rejects.toMatchObject({ code: "INVALID_REQUEST", message: expect.stringMatching(/name/) });
    const right = `["${name}"  , 1]`;
    expect((await parse(right, name.length + 3)).value).toEqual(JSON.parse(right));
  });

  it("keeps what is called like an object's prototype", async () => {
    const text = `{"__proto__": "${long("QUJD")}", "b": ["${long("QUJD")}"]}`;
    const { value } = await parse(text);
    expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(text)));
  });
});
