import { describe, expect, it } from "vitest";
import { decodeBase64 } from "../../src/encoder/base64.ts";

const decode = (text: string, maxBytes = 1000) => decodeBase64(text, { maxBytes });
const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const base64 = bytes.toString("base64");

describe("base64", () => {
  it.each([
    ["plain", base64],
    ["in lines of 76", base64.replace(/.{76}/g, "$&\r\n")],
    ["indented", base64.replace(/.{60}/g, "\n\t  $&")],
    ["with blanks between all characters, and after", base64.replace(/./g, "$& \t")],
    ["with blanks within its padding", base64.replace("==", "=\r\n=\r\n")],
    ["without padding", base64.replace(/=+$/, "")],
    ["in the URL-safe alphabet", bytes.toString("base64url")],
    ["as a data URI", `data:image/png;base64,${base64}`],
    ["as a data URI with parameters", `data:image/png;name=x.png;charset=utf-8;base64,${base64}`],
    ["as a data URI behind line breaks", `\n \r\ndata:image/png;base64,${base64}`],
    ["as a data URI with a blank", `data:image/png; base64,${base64}`],
    ["as a data URI with a comma in a parameter", `data:image/png;name="a,b.png";base64,${base64}`],
    ["as a data URI with a long parameter", `data:image/png;name=${"x".repeat(2000)};base64,${base64}`],
    ["as a data URI with a URL's escapes", `data:image/png;base64,${encodeURIComponent(base64)}`],
    ["as a data URI without a type, in capitals", `DATA:;BASE64,${base64}`],
  ])("is read %s", async (_how, text) => {
    expect((await decode(text)).equals(bytes)).toBe(true);
    for (const charactersPerTurn of [1, 3, 64, 76]) {
      let turns = 0;
      const nextTurn = async () => void turns++;
      const inTurns = await decodeBase64(text, { maxBytes: 1000, charactersPerTurn, nextTurn });
      expect(inTurns.equals(bytes)).toBe(true);
      expect(turns).toBeGreaterThan(1);
    }
  });

  it.each([1, 2, 3, 4, 5])("is read of %i bytes", async (length) => {
    const some = bytes.subarray(250 - length, 250);
    expect((await decode(some.toString("base64"))).equals(some)).toBe(true);
  });

  it.each([
    ["a foreign character", "QUJD!UJD"],
    ["a foreign character at the end", "QUJDQUJ!"],
    ["a character beyond ASCII", "QUJDQUJÄ"],
    ["one that looks like a letter in its low byte", "QUJDQUJ\u0141"],
    ["padding in the middle", "QUI=QUJD"],
    ["padding alone", "===="],
    ["too much padding", "QUJD=="],
    ["too little padding", "QQ="],
    ["padding where none is wanted", "QUJD===="],
    ["a blank that is not one", "QUJD\fQUJD"],
    ["a NUL", "QUJ\0"],
    ["an impossible length", "QUJDQ"],
    ["nothing", ""],
    ["only line breaks", "\r\n\r\n"],
    ["a URL", "https://example.com/x.jpg"],
    ["a data URI that is not base64", "data:image/svg+xml,%3Csvg%3E"],
    ["a data URI without data", "data:image/png;base64,"],
    ["a data URI without a comma", "data:image/png;base64"],
  ])("is refused with %s", async (_what, text) => {
    await expect(decode(text)).rejects.toMatchObject({ code: "INVALID_BASE64" });
    const inTurns = decodeBase64(text, { maxBytes: 1000, charactersPerTurn: 3 });
    await expect(inTurns).rejects.toMatchObject({ code: "INVALID_BASE64" });
  });

  it("is refused by its decoded size", async () => {
    expect(await decode(base64, 256)).toHaveLength(256);
    await expect(decode(base64, 255)).rejects.toMatchObject({ code: "IMAGE_TOO_LARGE" });
  });
});
