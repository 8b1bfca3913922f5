import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, nameOf, pathOf, printable, textOf } from "../../src/model/path-name.ts";

describe("a path's name", () => {
  it("tells every path from every other one, and leads back to it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        expect(pathOf(nameOf(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(pathOf(nameOf(Buffer.from(text))).toString()).toBe(text);
      }),
    );
  });

  it.each([
    [Buffer.from("été 🚲.jpg"), "été 🚲.jpg"],
    [Buffer.from("a\\b"), "a\\\\b"],
    [Buffer.from([0x61, 0xff, 0xc3, 0x2f, 0x62]), "a\\xff\\xc3/b"],
    [Buffer.from("\\xff"), "\\\\xff"],
  ])("of %o is %s", (path, name) => {
    expect(nameOf(path)).toBe(name);
  });

  it("is taken from an argument that need not be UTF-8, and gives its bytes back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        expect(bytesOf(textOf(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(textOf(Buffer.from(text))).toBe(text);
        expect(bytesOf(text)).toEqual(Buffer.from(text));
      }),
    );
    expect(textOf(Buffer.from("caf\xe9", "latin1"))).toBe("caf\udce9");
  });

  it("does not reach a terminal with what a terminal obeys", () => {
    expect(printable("a\x1b[2Jb\nc\u202egpj.exe")).toBe("a\\x1b[2Jb\\x0ac\\u202egpj.exe");
  });
});
