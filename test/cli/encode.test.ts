import { cpSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createEncoder } from "../../src/encoder/encoder.ts";
import { temporaryFolder } from "../support/checkpoints.ts";
import { killAgainAndAgain, killTimeoutMs, waitForVectors } from "../support/kill-run.ts";
import { serve } from "../support/loopback.ts";
import { outputFiles, readJsonLines, readNpy, readParquet } from "../support/output.ts";
import { bitmap, writeFiles, writePictures } from "../support/pictures.ts";
import { runCli, startCli } from "../support/run-cli.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

let model: string;
let otherModel: string;
beforeAll(async () => {
  model = await buildTinyModel();
  otherModel = await buildTinyModel("int8");
});

const encode = (input: string, out: string, ...more: string[]) =>
  runCli(["encode", input, "--out", out, "--model", model, ...more]);

async function places() {
  const folder = await temporaryFolder();
  return { pictures: join(folder, "pictures"), out: join(folder, "out"), folder };
}

describe("encode of a folder", () => {
  it("writes the vectors that the encoder gives, in the order of the paths' bytes, with metadata beside them", async () => {
    const { pictures, out } = await places();
    const names = ["B.bmp", "a/2.bmp", "a/10.bmp", "a.bmp", "é 🚲\n.bmp"];
    writeFiles(pictures, Object.fromEntries(names.map((name, i) => [name, bitmap(i)])));
    writeFiles(pictures, { "notes.txt": "no picture", ".hidden/x.bmp": bitmap(9), "@eaDir/x.bmp": bitmap(9) });
    expect(await encode(pictures, out)).toMatchObject({ code: 0, stdout: expect.stringContaining("5 encoded") });

    const order = ["B.bmp", "a.bmp", "a/10.bmp", "a/2.bmp", "é 🚲\n.bmp"];
    const rows = await readParquet(join(out, "metadata/metadata_0.parquet"));
    expect(rows).toEqual(order.map((key) => ({ image_path: join(pictures, key), key })));
    const { shape, values } = readNpy(join(out, "img_emb/img_emb_0.npy"));
    const encoder = await createEncoder({ model });
    const { embeddings } = await encoder.encodeImages(order.map((name) => bitmap(names.indexOf(name))));
    await encoder.close();
    expect(shape).toEqual([5, embeddings[0]!.length]);
    expect([...values]).toEqual(embeddings.flatMap((embedding) => [...embedding]));
    expect(readJsonLines(join(out, "errors.jsonl"))).toEqual([]);
  });

  it("tells of archives that it passed over, unless they were left out by name", async () => {
    const { pictures, out } = await places();
    writeFiles(pictures, { "a.bmp": bitmap(1), "b/old.zip": "zip", "b/shard-0.tar": "tar", "shard-1.tar.gz": "tar" });
    const told = await encode(pictures, out);
    expect(told).toMatchObject({ code: 0, stdout: expect.stringContaining("1 encoded") });
    expect(told.stderr).toContain(`passed over the archive ${join(pictures, "b/old.zip")} and 2 others: a tar is read`);
    expect((await encode(pictures, out, "--exclude", "**/*.{zip,tar,tar.gz}")).stderr).not.toContain("archive");
  });

  it("goes past whatever cannot be encoded, with a line for each, and ends with 3", async () => {
    const { pictures, out } = await places();
    writeFiles(pictures, {
      "good.bmp": bitmap(1),
      "empty.jpg": "",
      "torn.jpg": Buffer.from("ffd8ffe000104a46494600010100000100010000ffdb", "hex"),
      "page.png": "<html>",
      "huge.bmp": Buffer.alloc(3 << 20),
      "drawing.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    });
    symlinkSync("nowhere.jpg", join(pictures, "dangling.jpg"));
    const { code, stdout } = await encode(pictures, out, "--follow", "--max-image-bytes", String(1 << 20));
    expect({ code, stdout }).toEqual({
      code: 3,
      stdout: expect.stringContaining(
        "6 failed (1 INPUT_NOT_FOUND, 2 IMAGE_UNSUPPORTED, 2 IMAGE_UNREADABLE, 1 IMAGE_TOO_LARGE); the output is in",
      ),
    });
    const lines = readJsonLines(join(out, "errors.jsonl"));
    expect(lines.map(({ input, code }) => [String(input).slice(pictures.length + 1), code])).toEqual([
      ["dangling.jpg", "INPUT_NOT_FOUND"],
      ["drawing.svg", "IMAGE_UNSUPPORTED"],
      ["empty.jpg", "IMAGE_UNREADABLE"],
      ["huge.bmp", "IMAGE_TOO_LARGE"],
      ["page.png", "IMAGE_UNSUPPORTED"],
      ["torn.jpg", "IMAGE_UNREADABLE"],
    ]);
    for (const { error } of lines) expect(error).toMatch(/^[A-Z].*\.$/s);
  });

  it("takes pictures from telephones (HEIC), and those of other formats beside them", async () => {
    const { pictures, out } = await places();
    cpSync(resolve(import.meta.dirname, "../../bench/iphone.heic"), join(pictures, "IMG_0001.HEIC"));
    cpSync(resolve(import.meta.dirname, "../fixtures/images/icc.jpg"), join(pictures, "IMG_0002.JPG"));
    expect((await encode(pictures, out)).stdout).toContain("2 encoded, 0 known already, 0 failed");
    const rows = await readParquet(join(out, "metadata/metadata_0.parquet"));
    expect(rows.map(({ key }) => key)).toEqual(["IMG_0001.HEIC", "IMG_0002.JPG"]);
    const { shape, values } = readNpy(join(out, "img_emb/img_emb_0.npy"));
    const encoder = await createEncoder({ model });
    const files = rows.map(({ image_path }) => readFileSync(String(image_path)));
    const { embeddings } = await encoder.encodeImages(files);
    await encoder.close();
    expect(shape[0]).toBe(2);
    expect([...values]).toEqual(embeddings.flatMap((embedding) => [...embedding]));
  });

  it("names what is not UTF-8 with escapes", async () => {
    const { pictures, out } = await places();
    writeFiles(pictures, { "a.bmp": bitmap(0) });
    await writeFile(
      Buffer.concat([Buffer.from(`${pictures}/`), Buffer.from([0xff, 0x5c]), Buffer.from(".bmp")]),
      bitmap(1),
    );
    await writeFile(Buffer.concat([Buffer.from(`${pictures}/`), Buffer.from([0xc3]), Buffer.from(".jpg")]), "torn");
    expect((await encode(pictures, out)).code).toBe(3);
    const rows = await readParquet(join(out, "metadata/metadata_0.parquet"));
    expect(rows.map(({ key }) => key)).toEqual(["a.bmp", "\\xff\\\\.bmp"]);
    expect(readJsonLines(join(out, "errors.jsonl"))[0]!.input).toBe(`${pictures}/\\xc3.jpg`);
  });

  it("leaves links out, unless it is to follow them, and does not walk in circles", async () => {
    const { pictures, out, folder } = await places();
    writeFiles(folder, { "pictures/a.bmp": bitmap(0), "elsewhere/b.bmp": bitmap(1) });
    symlinkSync(join(folder, "elsewhere"), join(pictures, "linked"));
    symlinkSync("..", join(folder, "elsewhere/up"));
    symlinkSync(pictures, join(folder, "elsewhere/round"));
    symlinkSync("a.bmp", join(pictures, "link.bmp"));
    expect((await encode(pictures, out)).stdout).toContain("1 encoded");
    const followed = await encode(pictures, join(folder, "followed"), "--follow");
    expect(followed.code).toBe(0);
    const rows = await readParquet(join(folder, "followed/metadata/metadata_0.parquet"));
    expect(rows.map(({ key }) => key)).toEqual(["a.bmp", "link.bmp", "linked/b.bmp"]);
  });

  it("takes and leaves files by pattern", async () => {
    const { pictures, out } = await places();
    writeFiles(pictures, { "a.bmp": bitmap(0), "b.dat": bitmap(1), "c/d.bmp": bitmap(2), "c/e.bmp": bitmap(3) });
    const keys = async (name: string, input: string, ...more: string[]) => {
      await encode(input, `${out}-${name}`, ...more);
      const rows = await readParquet(`${out}-${name}/metadata/metadata_0.parquet`);
      return rows.map(({ key }) => key);
    };
    expect(await keys("include", pictures, "--include", "*.dat,c/*")).toEqual(["b.dat", "c/d.bmp", "c/e.bmp"]);
    expect(await keys("exclude", pictures, "--exclude", "d.*")).toEqual(["a.bmp", "c/e.bmp"]);
    expect(await keys("glob", `${pictures}/**/*.bmp`)).toEqual(["a.bmp", "c/d.bmp", "c/e.bmp"]);
    expect(await keys("shallow", `${pictures}/*.bmp`)).toEqual(["a.bmp"]);
  });

  it("only tells what there is to do, when it is to run dry", async () => {
    const { pictures, out } = await places();
    writePictures(pictures, 5);
    const { code, stdout } = await encode(pictures, out, "--dry-run");
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^5 inputs, 1 MB; [\d.]+\/s .*, so about/),
    });
    expect(() => outputFiles(out)).toThrow("ENOENT");
  });
});

describe("a second encode into the same output", () => {
  it("encodes nothing again: not what is unchanged, nor what was renamed or copied", async () => {
    const { pictures, out, folder } = await places();
    writePictures(pictures, 12);
    expect((await encode(pictures, out)).stdout).toContain("12 encoded, 0 known");
    expect((await encode(pictures, out)).stdout).toContain("0 encoded, 12 known");
    renameSync(pictures, join(folder, "renamed"));
    cpSync(join(folder, "renamed/0"), join(folder, "renamed/copy"), { recursive: true });
    expect((await encode(join(folder, "renamed"), out)).stdout).toContain("0 encoded, 16 known");
  });

  it("gives what one run over the changed folder gives", async () => {
    const { pictures, out, folder } = await places();
    writePictures(pictures, 12);
    await encode(pictures, out, "--part-size", "5");
    writeFiles(pictures, { "0/another.bmp": bitmap(100), "1/picture 1.bmp": bitmap(101) });
    rmSync(join(pictures, "2"), { recursive: true });
    utimesSync(join(pictures, "0/picture 0.bmp"), 1, 1);
    expect((await encode(pictures, out, "--part-size", "5")).stdout).toContain("2 encoded, 7 known");
    await encode(pictures, join(folder, "fresh"), "--part-size", "5");
    expect(outputFiles(out)).toEqual(outputFiles(join(folder, "fresh")));
  });

  it("gives that also where its journal was lost, and parts are there that nobody knows of", async () => {
    const { pictures, out, folder } = await places();
    writePictures(pictures, 12);
    await encode(pictures, out, "--part-size", "3");
    rmSync(join(out, ".journal"), { recursive: true });
    rmSync(join(pictures, "2"), { recursive: true });
    await encode(pictures, out, "--part-size", "3");
    await encode(pictures, join(folder, "fresh"), "--part-size", "3");
    expect(outputFiles(out)).toEqual(outputFiles(join(folder, "fresh")));
  });

  it("leaves alone what failed, unless it is to try again, all or those with a code", async () => {
    const { pictures, out } = await places();
    writeFiles(pictures, { "a.bmp": bitmap(0), "big.bmp": bitmap(1, [200, 200]), "torn.png": "x" });
    const limit = ["--max-image-pixels", "10000"];
    expect((await encode(pictures, out, ...limit)).stdout).toContain("1 encoded, 0 known already, 2 failed");
    expect((await encode(pictures, out)).stdout).toContain("0 encoded, 1 known already, 2 failed");
    const other = await encode(pictures, out, "--retry-failed", "IMAGE_UNSUPPORTED");
    expect(other.stdout).toContain("0 encoded, 1 known already, 2 failed");
    const again = await encode(pictures, out, "--retry-failed");
    expect(again.stdout).toContain("1 encoded, 1 known already, 1 failed");
    expect(readNpy(join(out, "img_emb/img_emb_0.npy")).shape[0]).toBe(2);
  });

  it("is refused with another model, another precision or other settings", async () => {
    const { pictures, out } = await places();
    writePictures(pictures, 2);
    await encode(pictures, out);
    const before = outputFiles(out);
    const int8 = await runCli(["encode", pictures, "--out", out, "--model", otherModel]);
    expect(int8).toMatchObject({ code: 2, stderr: expect.stringContaining("was begun with the precision fp32") });
    const parts = await encode(pictures, out, "--part-size", "7");
    expect(parts).toMatchObject({ code: 2, stderr: expect.stringContaining("was begun with --part-size 10000") });
    expect(outputFiles(out)).toEqual(before);
  });

  it("is refused while the first one runs", async () => {
    const { pictures, out } = await places();
    writePictures(pictures, 400);
    const first = startCli(["encode", pictures, "--out", out, "--model", model, "--json-progress"]);
    await waitForVectors(out, 1);
    first.child.kill("SIGSTOP"); // it holds the output, however long the second one takes to start
    const second = await encode(pictures, out);
    first.child.kill("SIGCONT");
    expect(second).toMatchObject({ code: 2, stderr: expect.stringContaining("works in the output folder") });
    expect(await first.ended).toMatchObject({ code: 0 });
  });
});

/** Reads a table of vectors in the order of the input, and the list of errors beside it. */
async function lanceRows(out: string) {
  const { connect } = await import("@lancedb/lancedb");
  const db = await connect(out);
  const rows = await (await db.openTable("embeddings")).query().toArray();
  db.close();
  const byKey = rows.map(({ key, part, embedding, image_path }) => [key, part, image_path, ...embedding]);
  return { rows: byKey.sort(([a], [b]) => (a < b ? -1 : 1)), errors: readJsonLines(join(out, "errors.jsonl")) };
}

describe("an encode that is interrupted", () => {
  it.each([
    ["npy", outputFiles],
    ["parquet", outputFiles],
    ["jsonl", outputFiles],
    ["lance", lanceRows],
  ])(
    "by kill -9 goes on where it was, and ends with the same %s as one that was not",
    async (format, read) => {
      const { pictures, out, folder } = await places();
      writePictures(pictures, 300);
      writeFiles(pictures, { "0/torn.png": "x" });
      const options = ["--model", model, "--part-size", "64", "--format", format];
      const args = (to: string) => ["encode", pictures, "--out", to, ...options];
      expect((await runCli(args(join(folder, "whole")))).code).toBe(3);
      await killAgainAndAgain(() => startCli(args(out)), { out, pictures: 300 });
      const last = await runCli(args(out));
      expect(last.code).toBe(3);
      expect(await read(out)).toEqual(await read(join(folder, "whole")));
      expect((await runCli(args(out))).stdout).toContain("0 encoded, 300 known already, 1 failed");
    },
    killTimeoutMs,
  );

  it.each([
    ["Ctrl-C", "SIGINT", 130],
    ["SIGTERM", "SIGTERM", 143],
  ] as const)(
    "by %s finishes what is under way, says how to go on, and ends with its code",
    async (_, signal, ends) => {
      const { pictures, out } = await places();
      writePictures(pictures, 600);
      const run = startCli(["encode", pictures, "--out", out, "--model", model]);
      await waitForVectors(out, 1);
      run.child.kill(signal);
      const { code, stderr } = await run.ended;
      expect({ code, stderr }).toEqual({
        code: ends,
        stderr: expect.stringContaining("the same call goes on from here"),
      });
      const encoded = Number(/(\d+) encoded/.exec(stderr)![1]);
      const again = await encode(pictures, out);
      expect(again.stdout).toContain(`${600 - encoded} encoded, ${encoded} known already, 0 failed`);
    },
  );

  it("by Ctrl-C ends while standard input is open, whose lines are encoded as they come", async () => {
    const { pictures, out, folder } = await places();
    writePictures(pictures, 1);
    const fifo = join(folder, "typed");
    const typed = `mkfifo ${fifo} && exec 0<>${fifo} && echo "${pictures}/0/picture 0.bmp" >&0`; // and nothing more
    const run = startCli(["encode", "-", "--out", out, "--model", model], {}, typed);
    await waitForVectors(out, 1);
    run.child.kill("SIGINT");
    expect(await run.ended).toMatchObject({ code: 130, stderr: expect.stringContaining("1 encoded") });
  });

  it("by a second Ctrl-C ends at once, whatever is under way", async () => {
    const { folder, out } = await places();
    let ask = () => {};
    const asked = new Promise<void>((resolve) => (ask = resolve));
    const { port } = await serve(() => ask()); // and never answers
    writeFiles(folder, { "list.txt": `http://127.0.0.1:${port}/slow.bmp\n` });
    const limits = ["--allow-private-urls", "--fetch-timeout-ms", "600000", "--item-timeout-ms", "600000"];
    const run = startCli(["encode", join(folder, "list.txt"), "--out", out, "--model", model, ...limits]);
    await asked;
    run.child.kill("SIGINT");
    await run.says("finishing what is under way; a second Ctrl-C ends at once");
    run.child.kill("SIGINT");
    expect((await run.ended).code).toBe(130);
    writeFiles(folder, { "list.txt": "" });
    expect(await encode(join(folder, "list.txt"), out)).toMatchObject({ code: 0 }); // its lock is taken over
  });
});

describe("encode", () => {
  it.each([
    ["no input", [], "Expected an input"],
    ["an input that is not there", ["/nowhere/at/all"], "There is no such input: /nowhere/at/all"],
  ])("refuses %s", async (_what, operands, sentence) => {
    const { out } = await places();
    const { code, stderr } = await runCli(["encode", ...operands, "--out", out, "--model", model]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(sentence) });
  });

  it("says so when it may not write the output", async () => {
    const { pictures, folder } = await places();
    writePictures(pictures, 1);
    writeFileSync(join(folder, "file"), "");
    const { code, stderr } = await encode(pictures, join(folder, "file/out"));
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("could not be stored") });
  });

  it("tells its progress as JSON lines to programs", async () => {
    const { pictures, out } = await places();
    writePictures(pictures, 3);
    const { stderr } = await encode(pictures, out, "--json-progress");
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.at(-1)).toMatchObject({ done: 3, encoded: 3, known: 0, failed: 0 });
  });
});
