import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Headers, pack } from "tar-stream";
import { describe, expect, it } from "vitest";
import { listed } from "../../support/bulk-source.ts";
import { temporaryFolder } from "../../support/checkpoints.ts";
import { collect } from "../../support/collect.ts";
import { bitmap, writeFiles } from "../../support/pictures.ts";

type Member = readonly [name: string | Headers, content?: string | Buffer];

async function tarBytes(members: readonly Member[]): Promise<Buffer> {
  const tar = pack();
  for (const [header, content = ""] of members) {
    tar.entry(typeof header === "string" ? { name: header } : header, content);
  }
  tar.finalize();
  return Buffer.concat(await collect<Buffer>(tar));
}

async function tarFile(bytes: Uint8Array, name = "shard.tar"): Promise<string> {
  const file = join(await temporaryFolder(), name);
  writeFileSync(file, bytes);
  return file;
}

const samples: Member[] = [
  ["a/000.bmp", bitmap(0)],
  ["a/000.txt", "a red bicycle\n"],
  ["a/000.json", JSON.stringify({ width: 32, tags: ["x"] })],
  ["a/001.bmp", bitmap(1)],
  ["a/001.txt", "a dog"],
  ["notes.md", "nothing"],
  ["002.bmp", bitmap(2)],
];

describe("a tar", () => {
  it("gives its pictures with their captions and facts, also when it is compressed", async () => {
    const bytes = await tarBytes(samples);
    for (const file of [await tarFile(bytes), await tarFile(gzipSync(bytes), "shard.tar.gz")]) {
      const { items, count } = await listed([file]);
      expect(items).toEqual([
        {
          name: `${file}/a/000.bmp`,
          key: "a/000",
          columns: { caption: "a red bicycle", width: 32, tags: '["x"]' },
          input: bitmap(0),
        },
        { name: `${file}/a/001.bmp`, key: "a/001", columns: { caption: "a dog" }, input: bitmap(1) },
        { name: `${file}/002.bmp`, key: "002", columns: {}, input: bitmap(2) },
      ]);
      expect(count).toBeUndefined();
    }
  });

  it("gives its captions when texts are encoded", async () => {
    const { items } = await listed([await tarFile(await tarBytes(samples))], { text: true });
    expect(items.map(({ key, input }) => [key, input])).toEqual([
      ["a/000", "a red bicycle"],
      ["a/001", "a dog"],
    ]);
  });

  it("has links, devices and members that are too large skipped, each with its reason", async () => {
    const file = await tarFile(
      await tarBytes([
        [{ name: "link.bmp", type: "symlink", linkname: "/etc/passwd" }],
        [{ name: "hard.bmp", type: "link", linkname: "a.bmp" }],
        [{ name: "device.bmp", type: "character-device" }],
        [{ name: "../../outside.bmp" }, bitmap(3)],
        ["large.bmp", Buffer.alloc(2 << 20)],
        ["last.bmp", bitmap(4)],
      ]),
    );
    const { items } = await listed([file]);
    expect(items.map(({ key, input, code }) => [key, code ?? input])).toEqual([
      ["link.bmp", "INPUT_REFUSED"],
      ["hard.bmp", "INPUT_REFUSED"],
      ["device.bmp", "INPUT_REFUSED"],
      ["../../outside", bitmap(3)],
      ["large.bmp", "IMAGE_TOO_LARGE"],
      ["last", bitmap(4)],
    ]);
  });

  it("that is cut off, or is none, gives what came before and one error", async () => {
    const bytes = await tarBytes(samples);
    const cut = await listed([await tarFile(bytes.subarray(0, 1024))]);
    expect(cut.items.map(({ code }) => code)).toEqual(["INPUT_UNREADABLE"]);
    const later = await listed([await tarFile(bytes.subarray(0, 6000))]);
    expect(later.items.map(({ input, code }) => code ?? input)).toEqual([bitmap(0), "INPUT_UNREADABLE"]);
    const none = await listed([await tarFile(Buffer.alloc(5000, "no tar "))]);
    expect(none.items.map(({ code }) => code)).toEqual(["INPUT_UNREADABLE"]);
  });

  it("that is a bomb stops where its inflated bytes are too many", async () => {
    const bomb = gzipSync(
      await tarBytes([
        ["a.bmp", bitmap(0)],
        ["zeros.bin", Buffer.alloc(64 << 20)],
      ]),
    );
    const { items } = await listed([await tarFile(bomb, "bomb.tgz")]);
    expect(items.map(({ input, code }) => code ?? input)).toEqual([bitmap(0), "INPUT_REFUSED"]);
  });

  it("is read as a tar where a pattern matches it, as lists are that a pattern is about", async () => {
    const folder = await temporaryFolder();
    const ofTar = (number: number) => tarBytes([[`${number}.bmp`, bitmap(number)]]);
    writeFiles(folder, { "b.tar": await ofTar(1), "a.tar": await ofTar(0), "c.bmp": bitmap(2), "list.txt": "c.bmp\n" });
    const keys = async (pattern: string) => (await listed([join(folder, pattern)])).items.map(({ key }) => key);
    expect(await keys("*.tar")).toEqual(["0", "1"]);
    expect(await keys("*.{tar,bmp}")).toEqual(["0", "1", "c.bmp"]);
    expect(await keys("*.txt")).toEqual(["0"]);
    expect(await keys("*")).toEqual(["0", "1", "c.bmp", "list.txt"]);
    expect((await listed([join(folder, "*.txt")])).count).toBe(1);
  });

  it("is no zip", async () => {
    await expect(listed([await tarFile(Buffer.from("PK"), "shard.zip")])).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("zip archives are not read"),
    });
  });
});
