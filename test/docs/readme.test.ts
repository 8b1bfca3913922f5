import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { startCli } from "../support/run-cli.ts";

const root = resolve(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const [, program] = /```js\n([\s\S]*?)```/.exec(readme) ?? [];

describe("the JavaScript client of the README", () => {
  it("ranks words for a picture as the README says", async () => {
    const folder = await mkdtemp(join(tmpdir(), "readme-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const settings = { MODELS_DIR: folder, PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "info" };
    const url = await startCli(["serve"], settings).says(/http:\/\/127\.0\.0\.1:\d+/);
    const file = join(folder, "compare.mjs");
    await writeFile(file, program!.replace("http://localhost:5555", url));
    const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: root });

    const scores = Object.fromEntries(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split(" ").reverse()),
    );
    expect(Object.keys(scores)).toEqual(["bicycle", "vélo", "自転車", "mushroom"]);
    const told = [...readme.matchAll(/`(\d\.\d\d) (\S+)`/g)];
    expect(told).toHaveLength(4);
    for (const [, score, word] of told) {
      expect(Math.abs(Number(scores[word!]) - Number(score))).toBeLessThan(0.015); // two roundings apart at most
    }
  });
});
