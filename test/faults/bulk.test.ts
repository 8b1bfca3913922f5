import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "../support/checkpoints.ts";
import { serve } from "../support/loopback.ts";
import { outputFiles, readJsonLines } from "../support/output.ts";
import { bitmap, writeFiles, writePictures } from "../support/pictures.ts";
import { runCli, runExecutable } from "../support/run-cli.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

vi.setConfig({ testTimeout: 240_000 });

let model: string;
beforeAll(async () => {
  model = await buildTinyModel();
});

async function places() {
  const folder = await temporaryFolder();
  return { folder, pictures: join(folder, "pictures"), out: join(folder, "out") };
}

describe("a bulk run that finds no room", () => {
  // Ulimit counts in blocks of 512 bytes; the journal of 400 pictures needs 70 kB.
  it("says so, and goes on where it was when there is room again", async () => {
    const { folder, pictures, out } = await places();
    writePictures(pictures, 400);
    const args = (to: string) => ["encode", pictures, "--out", to, "--model", model, "--part-size", "100"];
    const full = await runCli(args(out), {}, "ulimit -f 60");
    expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining("could not be stored: a file would be") });
    const again = await runCli(args(out));
    const [, encoded, known] = /^(\d+) encoded, (\d+) known/.exec(again.stdout)!.map(Number);
    expect({ code: again.code, all: encoded! + known! }).toEqual({ code: 0, all: 400 });
    expect(known).toBeGreaterThan(0);
    await runCli(args(join(folder, "whole")));
    expect(outputFiles(out)).toEqual(outputFiles(join(folder, "whole")));
  });

  it("in an index says so, and goes on in the same way", async () => {
    const { folder, pictures } = await places();
    writePictures(pictures, 300);
    const args = ["index", pictures, "--index", join(folder, "index.lance"), "--model", model];
    const full = await runCli(args, {}, "ulimit -f 110");
    expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining("could not be stored") });
    expect(await runCli(args)).toMatchObject({ code: 0, stdout: expect.stringContaining("holds 300 pictures") });
  });
});

describe("a bulk run", () => {
  it("is not held up by a server that drips", async () => {
    const { folder, out } = await places();
    const { port } = await serve((_request, reply) => {
      reply.writeHead(200, { "content-type": "image/bmp" });
      const drip = setInterval(() => reply.write("B"), 50);
      reply.on("close", () => clearInterval(drip));
    });
    writePictures(folder, 3);
    const url = `http://127.0.0.1:${port}/drip.bmp`;
    writeFiles(folder, { "list.txt": `0/picture 0.bmp\n${url}\n1/picture 1.bmp\n` });
    const limits = ["--allow-private-urls", "--fetch-timeout-ms", "1000"];
    const run = await runCli(["encode", join(folder, "list.txt"), "--out", out, "--model", model, ...limits]);
    expect(run).toMatchObject({ code: 3, stdout: expect.stringContaining("2 encoded, 0 known already, 1 failed") });
    expect(readJsonLines(join(out, "errors.jsonl"))).toMatchObject([{ input: url, code: "URL_TIMEOUT" }]);
  });

  it("goes past files and folders that this user may not read", async () => {
    const { pictures, out } = await places();
    writeFiles(pictures, { "a.bmp": bitmap(0), "closed.bmp": bitmap(1), "closed/b.bmp": bitmap(2) });
    chmodSync(join(pictures, "closed.bmp"), 0);
    chmodSync(join(pictures, "closed"), 0);
    // Root may read everything, unless it gives up the capabilities that it does so by.
    const giveUp = 'exec setpriv --bounding-set=-dac_override,-dac_read_search "$0" "$@"; true';
    const before = process.getuid!() === 0 ? giveUp : "true";
    const run = await runCli(["encode", pictures, "--out", out, "--model", model], {}, before);
    chmodSync(join(pictures, "closed"), 0o700);
    expect(run).toMatchObject({ code: 3, stdout: expect.stringContaining("1 encoded, 0 known already, 2 failed") });
    const problem = "The file cannot be read: this user may not read it.";
    expect(readJsonLines(join(out, "errors.jsonl"))).toEqual([
      { input: join(pictures, "closed.bmp"), code: "INPUT_UNREADABLE", error: problem },
      { input: join(pictures, "closed"), code: "INPUT_UNREADABLE", error: problem },
    ]);
  });
});

describe("an installation without the optional packages", () => {
  it("says what to install before it does anything, and does what it can", async () => {
    const { folder, pictures, out } = await places();
    writePictures(pictures, 2);
    const root = resolve(import.meta.dirname, "../..");
    const optional = Object.keys(
      (await import("../../package.json", { with: { type: "json" } })).default.peerDependencies,
    );
    for (const part of ["bin", "dist", "package.json"])
      cpSync(join(root, part), join(folder, part), { recursive: true });
    mkdirSync(join(folder, "node_modules"));
    for (const name of readdirSync(join(root, "node_modules"))) {
      const isLeftOut = name.startsWith(".") || optional.some((it) => it.split("/")[0] === name);
      if (!isLeftOut) symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
    }
    const run = (...args: string[]) =>
      runExecutable(join(folder, "bin/image-text-encoder"), [...args, "--model", model]);
    const needs = (what: string) => ({
      ...{ code: 2, stdout: "" },
      stderr: expect.stringMatching(new RegExp(`${what}.* needs packages .* npm install \\S+@\\d`)),
    });
    expect(await run("encode", pictures, "--out", out)).toMatchObject(needs("Writing parquet"));
    expect(await run("encode", pictures, "--out", out, "--format", "lance")).toMatchObject(
      needs("output in Lance's format"),
    );
    expect(await run("index", pictures, "--index", join(folder, "index"))).toMatchObject(needs("An index"));
    expect(existsSync(join(out, "img_emb"))).toBe(false);
    expect(await run("encode", pictures, "--out", out, "--format", "jsonl")).toMatchObject({ code: 0 });
  });
});
