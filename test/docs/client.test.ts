import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { copyFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/checkpoints.ts";
import { startCli } from "../support/run-cli.ts";

const root = resolve(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/client.md"), "utf8");
const program = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(([, example]) => example!).join("\n");

describe("docs/client.md", () => {
  it("has examples that, one after the other, do what they say", async () => {
    const folder = await temporaryFolder();
    const settings = { MODELS_DIR: folder, PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "info" };
    const url = await startCli(["serve"], settings).says(/http:\/\/127\.0\.0\.1:\d+/);
    await copyFile(join(root, "test/fixtures/golden/images/photo.jpg"), join(folder, "photo.jpg"));
    const file = join(folder, "examples.mjs");
    const client = pathToFileURL(join(root, "dist/client/client.js")).href;
    const here = program.replaceAll("image-text-encoder/client", client).replaceAll("http://localhost:5555", url);
    await writeFile(file, here);
    const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: folder });
    const lines = stdout.trim().split("\n");
    expect(lines[0]).toMatch(/^\S+ 512$/);
    for (const cosine of lines.slice(1, 4)) expect(Math.abs(Number(cosine))).toBeLessThanOrEqual(1);
    expect(stdout).toMatch(/^null \[\s*\{ index: 1, code: .EMPTY_TEXT./m);
    expect(lines.at(-2)).toMatch(/^[01] -?0\.\d+$/);
    expect(lines.at(-1)).toBe("IMAGE_UNSUPPORTED 415");
  });
});
