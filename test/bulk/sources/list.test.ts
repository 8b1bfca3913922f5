import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { listed } from "../../support/bulk-source.ts";
import { temporaryFolder } from "../../support/checkpoints.ts";
import { serve } from "../../support/loopback.ts";
import { bitmap, writeFiles } from "../../support/pictures.ts";

async function listOf(name: string, content: string | Uint8Array): Promise<string> {
  const folder = await temporaryFolder();
  writeFiles(folder, { [name]: content, "a.bmp": bitmap(0), "below/b c.bmp": bitmap(1) });
  return join(folder, name);
}

describe("a list of lines", () => {
  it("names paths relative to the list, also with spaces, carriage returns and bytes that are not UTF-8", async () => {
    const file = await listOf("list.txt", Buffer.from("\ufeffa.bmp\r\n\nbelow/b c.bmp\n", "utf8"));
    writeFileSync(Buffer.concat([Buffer.from(join(file, "../")), Buffer.of(0xff)]), bitmap(2));
    writeFileSync(file, Buffer.of(0xff, 0x0a), { flag: "a" });
    const { items, count } = await listed([file]);
    expect(items.map(({ key, input }) => [key, input])).toEqual([
      ["0", bitmap(0)],
      ["1", bitmap(1)],
      ["2", bitmap(2)],
    ]);
    expect(items[2]!.name).toBe(join(file, "../\\xff"));
    expect(count).toBe(3);
  });

  it("has names with line ends in it where each ends with NUL", async () => {
    const file = await listOf("list.txt", Buffer.from("a.bmp\0\0new\nline\r\0below/b c.bmp", "utf8"));
    writeFileSync(join(file, "../new\nline\r"), bitmap(2));
    const { items } = await listed([file], { from0: true });
    expect(items.map(({ key, input, code }) => [key, code ?? input])).toEqual([
      ["0", bitmap(0)],
      ["1", bitmap(2)],
      ["2", bitmap(1)],
    ]);
  });

  it("names URLs, and refuses other schemes, lines without end and what is not there", async () => {
    const { port } = await serve((_request, reply) => reply.end(bitmap(3)));
    const url = `http://127.0.0.1:${port}/x.bmp`;
    const lines = [
      url,
      "file:///etc/passwd",
      "ftp://host/x.jpg",
      "data:image/png;base64,AA",
      "x".repeat(2 << 20),
      "gone.bmp",
    ];
    const { items } = await listed([await listOf("list.txt", lines.join("\n"))]);
    expect(items.map(({ input, code }) => code ?? input)).toEqual([
      bitmap(3),
      "INPUT_REFUSED",
      "INPUT_REFUSED",
      "INPUT_REFUSED",
      "INPUT_REFUSED",
      "INPUT_NOT_FOUND",
    ]);
  });

  it("holds texts, when texts are encoded", async () => {
    const { items } = await listed([await listOf("list.txt", "a red bicycle\n \nhttp://not.fetched\n")], {
      text: true,
    });
    expect(items.map(({ input, code }) => code ?? input)).toEqual([
      "a red bicycle",
      "EMPTY_TEXT",
      "http://not.fetched",
    ]);
  });
});

describe("a table", () => {
  const rows = 'sku,url,price,color\n007,a.bmp,5,"dark, ""red"""\n8,below/b c.bmp,6.5,"two\nlines"\n9,,7,\n';

  it("in CSV gives keys and columns, with a kind of value for each column", async () => {
    const { items, count } = await listed([await listOf("list.csv", rows)], { idColumn: "sku" });
    expect(items).toEqual([
      expect.objectContaining({ key: "007", columns: { price: 5, color: 'dark, "red"' }, input: bitmap(0) }),
      expect.objectContaining({ key: "8", columns: { price: 6.5, color: "two\nlines" }, input: bitmap(1) }),
      expect.objectContaining({ key: "9", code: "INPUT_UNREADABLE" }),
    ]);
    expect(count).toBe(3);
  });

  it("in TSV, JSON lines and parquet gives the same", async () => {
    const first = [expect.objectContaining({ key: "0", columns: { n: 1, ok: true }, input: bitmap(0) })];
    expect((await listed([await listOf("list.tsv", "path\tn\tok\na.bmp\t1\ttrue\n")])).items).toEqual([
      expect.objectContaining({ key: "0", columns: { n: 1, ok: "true" }, input: bitmap(0) }),
    ]);
    const json = `${JSON.stringify({ path: "a.bmp", n: 1, ok: true })}\n`;
    expect((await listed([await listOf("list.jsonl", json)])).items).toEqual(first);
    const parquet = parquetWriteBuffer({
      columnData: [
        { name: "path", data: ["a.bmp"], type: "STRING" },
        { name: "n", data: [1], type: "DOUBLE" },
        { name: "ok", data: [true], type: "BOOLEAN" },
      ],
    });
    expect((await listed([await listOf("list.parquet", new Uint8Array(parquet))])).items).toEqual(first);
  });

  it("has each key and input as it stands there, whatever the first rows hold", async () => {
    const numbers = Array.from({ length: 240 }, (_, at) => `a.bmp,${at},${at}`);
    const file = await listOf("list.csv", ["path,sku,n", ...numbers, "below/b c.bmp,A-12,x", "a.bmp,007,1"].join("\n"));
    const { items, remarks } = await listed([file], { idColumn: "sku" });
    expect(items.slice(239)).toEqual([
      expect.objectContaining({ key: "239", columns: { n: 239 }, input: bitmap(0) }),
      expect.objectContaining({ key: "A-12", columns: { n: null }, input: bitmap(1) }),
      expect.objectContaining({ key: "007", columns: { n: 1 }, input: bitmap(0) }),
    ]);
    expect(remarks).toEqual([
      `${file}: left out 1 value of the column n (in row 241), since the first 200 rows have numbers there`,
    ]);
    const texts = await listed([await listOf("list.csv", `text,n\n${"2020,1\n".repeat(250)}a bicycle,1\n`)], {
      text: true,
    });
    expect(texts.items.slice(249).map(({ input }) => input)).toEqual(["2020", "a bicycle"]);
    expect(texts.remarks).toEqual([]);
  });

  it("tells of all values of a column that are of another kind than its first ones", async () => {
    const rows = Array.from({ length: 1300 }, (_, at) => JSON.stringify({ path: "a.bmp", ok: at < 200 ? true : "no" }));
    const file = await listOf("list.jsonl", [...rows, '{"path":"a.bmp","ok":"true"}'].join("\n"));
    const { items, remarks } = await listed([file]);
    expect(items.at(-1)!.columns).toEqual({ ok: true });
    expect(remarks).toEqual([
      `${file}: left out 1,100 values of the column ok (the first in row 201), since the first 200 rows have true or false there`,
    ]);
  });

  it("carries a column without a name, and counts rows where no column of keys is named", async () => {
    const file = await listOf("list.csv", ",image_path\nrowA,a.bmp\nrowB,a.bmp\n");
    const { items } = await listed([file]);
    expect(items.map(({ key, columns }) => [key, columns])).toEqual([
      ["0", { "": "rowA" }],
      ["1", { "": "rowB" }],
    ]);
  });

  it("reads a byte order mark before a quote, and letters that begin as it does", async () => {
    const marked = await listOf("list.csv", '\ufeff"image_path","price"\r\n"a.bmp","1"\r\n');
    expect((await listed([marked])).items).toMatchObject([{ columns: { price: 1 }, input: bitmap(0) }]);
    const wide = await listOf("list.csv", "ｎ,image_path\n1,a.bmp\n");
    expect((await listed([wide])).items).toMatchObject([{ columns: { ｎ: 1 } }]);
  });

  it("tells of inputs in which there is nothing", async () => {
    const file = await listOf("list.txt", "\n");
    const pattern = join(file, "../nothing*.bmp");
    const { items, remarks } = await listed([file, pattern]);
    expect(items).toEqual([]);
    expect(remarks).toEqual([`found nothing to read in ${file}`, `found nothing to read in ${pattern}`]);
  });

  it("tells of a quote that has no end", async () => {
    const file = await listOf("list.csv", 'image_path\na.bmp\n"below/b c.bmp\na.bmp\n');
    expect((await listed([file])).items.map(({ code }) => code)).toEqual([undefined, "INPUT_UNREADABLE"]);
  });

  it("keeps integers that a number cannot hold", async () => {
    const [one, other] = ["1152921504606846977", "1152921504606846979"];
    const json = `{"path":"a.bmp","id":${one},"o":"\\"${other} \\\\","n":[${other},-1.5e3]}\n{"path":"a.bmp","id":9007199254740991}\n`;
    const { items } = await listed([await listOf("list.jsonl", json)], { idColumn: "id" });
    expect(items).toEqual([
      expect.objectContaining({ key: one, columns: { o: `"${other} \\`, n: `["${other}",-1500]` } }),
      expect.objectContaining({ key: "9007199254740991" }),
    ]);
    const parquet = parquetWriteBuffer({
      columnData: [
        { name: "path", data: ["a.bmp", "a.bmp"], type: "STRING" },
        { name: "id", data: [BigInt(one), BigInt(other)], type: "INT64" },
      ],
    });
    const rows = await listed([await listOf("list.parquet", new Uint8Array(parquet))], { idColumn: "id" });
    expect(rows.items.map(({ key }) => key)).toEqual([one, other]);
  });

  it("with a row that is malformed loses that row alone", async () => {
    const { items } = await listed([await listOf("list.jsonl", '{"path":"a.bmp"}\n{"path":\n[1]\n"a.bmp"\n')]);
    expect(items.map(({ input, code }) => code ?? input)).toEqual([
      bitmap(0),
      "INPUT_UNREADABLE",
      "INPUT_UNREADABLE",
      bitmap(0),
    ]);
    const csv = await listed([await listOf("list.csv", "path,n\na.bmp,1,2\na.bmp,1\n")]);
    expect(csv.items.map(({ input, code }) => code ?? input)).toEqual(["INPUT_UNREADABLE", bitmap(0)]);
    const torn = await listed([await listOf("list.parquet", "PAR1 torn")]);
    expect(torn.items.map(({ code }) => code)).toEqual(["INPUT_UNREADABLE"]);
  });

  it("asks for the column where several could be meant, and where the one that was named is not there", async () => {
    const file = await listOf("list.csv", "left,right\na.bmp,a.bmp\n");
    await expect(listed([file])).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: `${file}: which column holds the inputs cannot be told; choose one of left, right with --column.`,
    });
    await expect(listed([file], { column: "middle" })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect((await listed([file], { column: "right" })).items).toHaveLength(1);
  });
});
