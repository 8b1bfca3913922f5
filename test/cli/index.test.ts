import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/checkpoints.ts";
import { killAgainAndAgain, killTimeoutMs } from "../support/kill-run.ts";
import { serve } from "../support/loopback.ts";
import { bitmap, writeFiles, writePictures } from "../support/pictures.ts";
import { runCli, startCli } from "../support/run-cli.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

let model: string;
let otherModel: string;
beforeAll(async () => {
  model = await buildTinyModel();
  otherModel = await buildTinyModel("int8");
});

async function places() {
  const folder = await temporaryFolder();
  const at = join(folder, "index.lance");
  const run = (...args: string[]) => runCli([...args, "--index", at, "--model", model]);
  const found = async (...args: string[]) => {
    const { code, stdout, stderr } = await run("search", ...args, "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout).results as { id: string; score: number; path?: string; url?: string; columns: object }[];
  };
  return { folder, pictures: join(folder, "pictures"), at, run, found };
}

describe("an index", () => {
  it("is searched by words and by picture, with paths that open from here", async () => {
    const { pictures, run, found } = await places();
    writePictures(pictures, 12);
    expect((await run("index", pictures)).stdout).toContain("12 encoded, 0 known already, 0 failed; the index");
    const picture = join(pictures, "1/picture 4.bmp");
    const [best, ...others] = await found("--image", picture, "-n", "5");
    expect(best).toMatchObject({ path: relative(process.cwd(), picture), columns: {} });
    expect(best!.score).toBeCloseTo(1, 5);
    expect(others).toHaveLength(4);
    expect(await found("a red bicycle", "--limit", "2", "--offset", "1")).toHaveLength(2);
    const paths = await run("search", "a red bicycle", "-n", "3", "--paths");
    expect(paths.stdout.trimEnd().split("\n")).toHaveLength(3);
    for (const path of paths.stdout.trimEnd().split("\n")) expect(readFileSync(path)).toBeDefined();
    expect((await run("search", "a red bicycle", "-n", "1")).stdout).toMatch(/^-?0\.\d{4} {2}\S.*\.bmp\n$/);
  });

  it("prints paths that open, whatever bytes are in them", async () => {
    const { folder, at, run } = await places();
    const odd = Buffer.from(join(folder, "od\\x41d\\\\er"));
    const names = ["new\nline.bmp", "back\\x41slash.bmp", "\xff.bmp"];
    const paths = names.map((name) => Buffer.concat([odd, Buffer.from("/"), Buffer.from(name, "latin1")]));
    mkdirSync(odd);
    for (const [seed, path] of paths.entries()) writeFileSync(path, bitmap(seed));
    expect((await run("index", odd.toString())).stdout).toContain("3 encoded");
    const list = join(folder, "list");
    const call = ["search", "a red bicycle", "--print0", "--index", at, "--model", model];
    expect((await runCli(call, {}, `exec >'${list}'`)).code).toBe(0);
    const found = readFileSync(list, "latin1").split("\0").slice(0, -1);
    const absolute = found.map((path) => resolve(path));
    expect(absolute.sort()).toEqual(paths.map((path) => path.toString("latin1")).sort());
  });

  describe("of folders whose names Node.js cannot tell from each other", () => {
    const odd = (folder: string, byte: string) => `'${folder}/'"$(printf 'caf\\${byte}')"`;

    async function twoFolders() {
      const { folder, at } = await places();
      for (const [seed, byte] of [0xe9, 0xea].entries()) {
        const place = Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.of(byte)]);
        mkdirSync(place);
        writeFileSync(Buffer.concat([place, Buffer.from("/one.bmp")]), bitmap(seed));
      }
      const call = (before: string, ...args: string[]) => runCli([...args, "--model", model], {}, before);
      return { folder, at, call };
    }

    it("takes them as inputs, prunes and forgets one and not the other, and shows which is which", async () => {
      const { folder, at, call } = await twoFolders();
      const both = `set -- "$@" ${odd(folder, "351")} ${odd(folder, "352")}`;
      expect((await call(both, "index", "--index", at)).stdout).toContain("2 encoded");
      const one = `set -- "$@" ${odd(folder, "351")}`;
      const picture = `set -- "$@" --image ${odd(folder, "351")}/one.bmp`;
      const found = await call(picture, "search", "--index", at, "-n", "1");
      expect(found.stdout).toMatch(/^1\.0000 {2}.*caf\\xe9\/one\.bmp\n$/);
      const shown = relative(process.cwd(), join(folder, "caf\\xea/one.bmp"));
      expect((await call("true", "search", "--index", at, "-n", "1", "--image", shown)).stdout).toContain(shown);
      expect((await call(one, "index", "--index", at, "--prune")).stdout).toContain("0 removed; the index");
      expect((await call(one, "index", "--index", at, "--forget")).stdout).toBe("1 removed\n");
      expect((await call("true", "search", "x", "--index", at)).stdout).toMatch(/^\S+ {2}.*caf\\xea\/one\.bmp\n$/);
    });

    it("is made and searched from inside of one", async () => {
      const { folder, at, call } = await twoFolders();
      const inside = `cd ${odd(folder, "352")}`;
      expect((await call(inside, "index", ".", "--index", at)).stdout).toContain("1 encoded");
      expect((await call(inside, "search", "x", "--index", at, "--paths")).stdout).toBe("one.bmp\n");
      expect((await call(`cd ${odd(folder, "351")}`, "index", ".", "--index", at)).stdout).toContain("1 encoded");
    });

    it("has no place in one, where another folder would be written to", async () => {
      const { folder, at, call } = await twoFolders();
      const inside = await call(`cd ${odd(folder, "351")}`, "index", ".");
      expect(inside).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("the working folder's path is not UTF-8"),
      });
      const named = await call(`set -- "$@" --index ${odd(folder, "351")}/here`, "index", folder);
      expect(named).toMatchObject({ code: 2, stderr: expect.stringContaining("caf\\xe9/here cannot be used") });
      expect(readdirSync(folder)).toHaveLength(2);
      expect(existsSync(at)).toBe(false);
    });
  });

  it("knows what is unchanged and what was renamed, and drops what is gone when it is to prune", async () => {
    const count = Number(process.env.PICTURES ?? 2000);
    const text = (value: number) => value.toLocaleString("en-US");
    const { pictures, run, found } = await places();
    writePictures(pictures, count);
    await run("index", pictures);
    expect((await run("index", pictures)).stdout).toContain(`0 encoded, ${text(count)} known already, 0 failed`);
    renameSync(join(pictures, "0"), join(pictures, "renamed"));
    const renamed = await run("index", pictures, "--prune");
    const moved = Math.ceil(count / 3);
    expect(renamed.stdout).toContain(`0 encoded, ${text(count)} known already, 0 failed, ${text(moved)} removed`);
    expect(renamed.stdout).toContain(`holds ${text(count)} pictures`);
    rmSync(join(pictures, "1/picture 4.bmp"));
    writeFiles(pictures, { "1/new.bmp": bitmap(5000) });
    const dry = await run("index", pictures, "--prune", "--dry-run");
    rmSync(join(pictures, "1/new.bmp"));
    expect(dry.stdout).toContain("would remove 1/picture 4.bmp\n");
    expect(dry.stdout).toContain(`1 would be removed\n`);
    expect((await run("index", pictures, "--prune")).stdout).toContain(`1 removed; the index`);
    const all = await found("a red bicycle", "-n", String(count));
    expect(all).toHaveLength(count - 1);
    for (const name of readdirSync(pictures)) rmSync(join(pictures, name), { recursive: true });
    const empty = await run("index", pictures, "--prune", "--dry-run");
    expect(empty).toMatchObject({ code: 1, stdout: "" });
    expect(empty.stderr).toContain(`Nothing would be removed, since ${pictures} has no pictures at all.`);
    expect((await run("index", pictures, "--prune")).stdout).toContain("0 removed (an input has no pictures at all)");
  }, 240_000);

  it("forgets what came from a folder that was moved, and is the same for every way to spell a folder", async () => {
    const { folder, pictures, run, found } = await places();
    writeFiles(folder, { "pictures/a.b/x.bmp": bitmap(1), "pictures/c/x.bmp": bitmap(2) });
    const moved = join(folder, "moved");
    await run("index", pictures);
    for (const spelled of [
      `${pictures}/.`,
      `${folder}//pictures/`,
      `${pictures}/c/..`,
      relative(process.cwd(), pictures),
    ]) {
      expect((await run("index", spelled)).stdout).toContain("0 encoded, 2 known already, 0 failed; the index");
    }
    renameSync(pictures, moved);
    expect((await run("index", moved)).stdout).toContain("holds 4 pictures");
    const dry = await run("index", pictures, "--forget", "--dry-run");
    expect(dry.stdout).toBe("would remove a.b/x.bmp\nwould remove c/x.bmp\n2 would be removed\n");
    expect(await run("index", pictures, "--forget")).toMatchObject({ code: 0, stdout: "2 removed\n" });
    const results = await found("a dog");
    expect(results.map(({ path }) => path).sort()).toEqual(
      ["a.b/x.bmp", "c/x.bmp"].map((path) => relative(process.cwd(), join(moved, path))),
    );
    const unknown = await run("index", join(folder, "none"), "--forget");
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining(`it has ${pictures}, ${moved}.`) });
  });

  it("replaces a picture that changed, and leaves the pictures of another input alone", async () => {
    const { folder, pictures, run, found } = await places();
    writeFiles(folder, { "pictures/a.bmp": bitmap(1), "others/b.bmp": bitmap(2) });
    await run("index", pictures);
    await run("index", join(folder, "others"));
    writeFiles(folder, { "pictures/a.bmp": bitmap(3) });
    expect((await run("index", pictures, "--prune")).stdout).toContain(
      "1 encoded, 0 known already, 0 failed, 0 removed",
    );
    writeFiles(folder, { "query.bmp": bitmap(3) });
    const results = await found("--image", join(folder, "query.bmp"));
    expect(results.map(({ path }) => path!.split("/").at(-1))).toEqual(["a.bmp", "b.bmp"]);
    expect(results[0]!.score).toBeCloseTo(1, 5);
  });

  it("carries the columns of a list, and filters by them", async () => {
    const { folder, run, found } = await places();
    const { port } = await serve((_request, reply) => reply.end(bitmap(7)));
    const url = `http://127.0.0.1:${port}/x.bmp`;
    writeFiles(folder, {
      "a.bmp": bitmap(0),
      "below/b.bmp": bitmap(1),
      "list.csv": `path,price,color\na.bmp,5,red\nbelow/b.bmp,7.5,blue\n${url},9,red\n`,
    });
    expect(await run("index", join(folder, "list.csv"), "--allow-private-urls")).toMatchObject({ code: 0 });
    const names = async (filter: object) => {
      const results = await found("a dog", "--filter", JSON.stringify(filter));
      return results.map(({ path, url }) => url ?? path!.split("/").at(-1)).sort();
    };
    expect(await names({ price: { gt: 5 } })).toEqual(["b.bmp", url]);
    expect(await names({ color: "red", price: { lte: 5 } })).toEqual(["a.bmp"]);
    expect(await names({ color: ["red", "blue"] })).toHaveLength(3);
    const [result] = await found("a dog", "--filter", '{"color":"blue"}');
    expect(result!.columns).toEqual({ price: 7.5, color: "blue" });
    const wrong = await run("search", "a dog", "--filter", '{"colour":"red"}');
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("there are: price, color.") });
  });

  it("finds near-identical pictures", async () => {
    const { pictures, run } = await places();
    writeFiles(pictures, { "a.bmp": bitmap(1), "copy of a.bmp": bitmap(1), "b.bmp": bitmap(2) });
    await run("index", pictures);
    const { stdout } = await runCli([
      "duplicates",
      "--index",
      join(pictures, "../index.lance"),
      "--min",
      "0.9999",
      "--json",
    ]);
    const { groups } = JSON.parse(stdout);
    expect(groups).toHaveLength(1);
    expect(groups[0]).toEqual([
      { path: relative(process.cwd(), join(pictures, "a.bmp")), score: expect.closeTo(1, 5), same_bytes: true },
      { path: relative(process.cwd(), join(pictures, "copy of a.bmp")), score: expect.closeTo(1, 5), same_bytes: true },
    ]);
  });

  it(
    "goes on after kill -9, and ends with the same pictures as one that was not killed",
    async () => {
      const { folder, pictures, at, run } = await places();
      writePictures(pictures, 200);
      const args = (to: string) => ["index", pictures, "--index", to, "--model", model];
      await killAgainAndAgain(() => startCli(args(at)), { out: at, pictures: 200 });
      expect((await run("index", pictures)).stdout).toContain("holds 200 pictures");
      expect((await run("index", pictures)).stdout).toContain("0 encoded, 200 known already");
      const whole = join(folder, "whole.lance");
      await runCli(args(whole));
      const question = ["search", "a red bicycle", "-n", "200", "--json", "--model", model];
      const [one, other] = await Promise.all([at, whole].map((index) => runCli([...question, "--index", index])));
      const scores = ({ stdout }: { stdout: string }): [string, string][] =>
        JSON.parse(stdout).results.map((it: { path: string; score: number }) => [it.path, it.score.toFixed(5)]);
      expect(scores(one!).length).toBe(200);
      expect(new Map(scores(one!))).toEqual(new Map(scores(other!)));
    },
    killTimeoutMs,
  );

  it("is refused to a second writer while the first one works", async () => {
    const { pictures, at, run } = await places();
    writePictures(pictures, 300);
    const first = startCli(["index", pictures, "--index", at, "--model", model]);
    const isLocked = () =>
      existsSync(at) && readdirSync(at, { recursive: true }).some((name) => /(^|\/)lock\./.test(String(name)));
    await expect.poll(isLocked, { interval: 5, timeout: 30_000 }).toBe(true);
    first.child.kill("SIGSTOP"); // it holds the index, however long the second one takes to start
    const second = await run("index", pictures);
    first.child.kill("SIGCONT");
    expect(second).toMatchObject({ code: 2, stderr: expect.stringContaining("works in") });
    expect(await first.ended).toMatchObject({ code: 0 });
  });

  it("is refused to another model, and where there is none", async () => {
    const { pictures, at, run } = await places();
    writePictures(pictures, 300);
    await run("index", pictures);
    const other = ["--index", at, "--model", otherModel];
    for (const args of [
      ["index", pictures],
      ["search", "a dog"],
    ]) {
      const refused = await runCli([...args, ...other]);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("The index was made with the model") });
    }
    const nothing = await runCli(["search", "a dog", "--index", join(at, "nowhere"), "--model", model]);
    expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining("There is no index") });
    expect(await run("search")).toMatchObject({ code: 2, stderr: expect.stringContaining("Expected words") });
  });

  it("can be optimized, and answers the same", async () => {
    const { pictures, run, found } = await places();
    writePictures(pictures, 300);
    await run("index", pictures);
    const before = await found("a red bicycle", "-n", "5", "--exact");
    expect((await run("index", pictures, "--optimize")).stdout).toContain("the approximate index was built");
    const exact = await found("a red bicycle", "-n", "5", "--exact");
    expect(exact.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(await found("a red bicycle", "-n", "5")).toHaveLength(5);
  });

  it("of no picture gives no result", async () => {
    const { folder, pictures, run, found } = await places();
    writeFiles(pictures, { "notes.txt": "" });
    expect(await run("index", pictures)).toMatchObject({ code: 0 });
    expect(await found("a dog")).toEqual([]);
    expect(folder).toBeDefined();
  });
});
