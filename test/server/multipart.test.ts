import { describe, expect, it } from "vitest";
import { parseForm } from "../../src/server/multipart.ts";

const file = 'content-disposition: form-data; name="a"; filename="a"';
const parse = (body: string | Buffer, contentType = "multipart/form-data; boundary=x") =>
  parseForm(Buffer.from(body), { contentType, maxFiles: 3 });
const filesOf = (body: string, contentType?: string) => parse(body, contentType).files.map((it) => it.toString());
const code = (expected: string) => expect.objectContaining({ code: expected });

describe("a form", () => {
  it.each([
    ["plain", `--x\r\n${file}\r\n\r\nabc\r\n--x--\r\n`],
    ["without a line break at its end", `--x\r\n${file}\r\n\r\nabc\r\n--x--`],
    ["with words before and after", `for old readers\r\n--x\r\n${file}\r\n\r\nabc\r\n--x--\r\n--x\r\nfor nobody`],
    ["with blanks behind a delimiter", `--x \t\r\n${file}\r\n\r\nabc\r\n--x--`],
    ["with other headers, in capitals", `--x\r\nX: y\r\n${file.toUpperCase()}\r\n\r\nabc\r\n--x--`],
    ["with an extended file name", `--x\r\ncontent-disposition: form-data; filename*=utf-8''a\r\n\r\nabc\r\n--x--`],
    [
      "with an image without a name",
      "--x\r\ncontent-disposition: form-data\r\ncontent-type: image/png\r\n\r\nabc\r\n--x--",
    ],
  ])("is read %s", (_how, body) => {
    expect(filesOf(body)).toEqual(["abc"]);
  });

  it.each([
    ["in quotes", 'multipart/form-data; charset=utf-8; boundary="x: y"', "x: y"],
    ["in capitals", "Multipart/Form-Data; BOUNDARY=X; charset=utf-8", "X"],
    ["beyond ASCII", "multipart/form-data; boundary=\xe9", Buffer.from([0xe9])],
  ])("has its boundary %s", (_how, contentType, boundary) => {
    const delimiter = Buffer.concat([Buffer.from("--"), Buffer.from(boundary)]);
    const body = Buffer.concat([delimiter, Buffer.from(`\r\n${file}\r\n\r\nabc\r\n`), delimiter, Buffer.from("--")]);
    expect(parse(body, contentType).files).toHaveLength(1);
  });

  it("keeps a file's bytes, line breaks and things like delimiters among them", () => {
    const bytes = "\r\n--y\r\n\r\n--\r\n-x\n--x\r\r\n";
    expect(filesOf(`--x\r\n${file}\r\n\r\n${bytes}\r\n--x--`)).toEqual([bytes]);
    expect(filesOf(`--x\r\n${file}\r\n\r\n\r\n--x--`)).toEqual([""]);
  });

  it("tells files from fields", () => {
    const field = 'content-disposition: form-data; name="normalize"';
    const { files, fields } = parse(`--x\r\n${field}\r\n\r\nfalse\r\n--x\r\n${file}\r\n\r\nabc\r\n--x--`);
    expect(files).toHaveLength(1);
    expect([...fields]).toEqual([["normalize", "false"]]);
  });

  it.each([
    ["parts without a header", "--x\r\n\r\n\r\n".repeat(2_000_000)],
    ["parts without a disposition", "--x\r\na: b\r\n\r\n\r\n".repeat(1_000_000)],
    ["a part that is no form data", "--x\r\ncontent-disposition: attachment\r\n\r\nabc\r\n--x--"],
    ["a header that is too long", `--x\r\na: ${"b".repeat(5000)}\r\n${file}\r\n\r\nabc\r\n--x--`],
    ["a field that is too long", `--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n${"a".repeat(1025)}\r\n--x--`],
    ["too many fields", `--x\r\ncontent-disposition: form-data; name="a"\r\n\r\na\r\n`.repeat(17)],
    ["a delimiter that goes on", `--x\r\n${file}\r\n\r\nabc\r\n--xy\r\n${file}\r\n\r\nabc\r\n--x--`],
    ["line feeds alone", `--x\n${file}\n\nabc\n--x--\n`],
    ["no end", `--x\r\n${file}\r\n\r\nabc\r\n--x`],
    ["no end of a header", `--x\r\n${file}`],
    ["nothing", ""],
  ])("is refused with %s", (_what, body) => {
    expect(() => parse(body)).toThrow(code("INVALID_REQUEST"));
  });

  it.each(["multipart/form-data", "multipart/form-data; boundary=", `multipart/form-data; boundary=${"x".repeat(71)}`])(
    "is refused as %s",
    (contentType) => {
      expect(() => parse(`--x\r\n${file}\r\n\r\nabc\r\n--x--`, contentType)).toThrow(code("INVALID_REQUEST"));
    },
  );

  it("of more files than allowed is refused at the first of them", () => {
    expect(() => parse(`--x\r\n${file}\r\n\r\nabc\r\n`.repeat(5))).toThrow(code("BATCH_TOO_LARGE"));
  });
});
