import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { absoluteName, absolutePath } from "../../../src/bulk/items/absolute-path.ts";
import { temporaryFolder } from "../../support/checkpoints.ts";

describe("an absolute path", () => {
  const here = process.cwd();

  it.each([
    ["a/b.jpg", `${here}/a/b.jpg`],
    ["./a//b.jpg", `${here}/a/b.jpg`],
    ["a/./b/.", `${here}/a/b`],
    [".", here],
    ["/", "/"],
    ["//x///y/", "/x/y"],
    ["test/../src/..", here],
    ["none/../a", `${here}/a`],
    ["..a/b..", `${here}/..a/b..`],
    ["/../x", "/x"],
  ])("of %s is the same however it is spelled", (given, path) => {
    expect(absoluteName(given)).toBe(path);
  });

  it("has what the system finds behind a link", async () => {
    const folder = await temporaryFolder();
    mkdirSync(join(folder, "far/away"), { recursive: true });
    symlinkSync("far/away", join(folder, "link"));
    expect(absoluteName(`${folder}/link/../a`)).toBe(`${folder}/far/a`);
    expect(absoluteName(`${folder}/link/a`)).toBe(`${folder}/link/a`);
  });

  it("keeps bytes that are not UTF-8", () => {
    expect(absolutePath(Buffer.from("/a/../\xff/b", "latin1"))).toEqual(Buffer.from("/\xff/b", "latin1"));
  });
});
