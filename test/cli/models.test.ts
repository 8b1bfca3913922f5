import { appendFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCli } from "../support/run-cli.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

let modelsDir: string;

beforeAll(async () => {
  modelsDir = await mkdtemp(join(tmpdir(), "models-"));
  await rename(await buildTinyModel(), join(modelsDir, "tiny"));
  await mkdir(join(modelsDir, ".downloads"));
});
afterAll(() => rm(modelsDir, { recursive: true, force: true }));

const models = (...args: string[]) => runCli(["models", ...args], { MODELS_DIR: modelsDir });

it("lists what is installed, with size, precision and source", async () => {
  const { stdout, stderr } = await models("list");
  expect(stderr).toBe("");
  expect(stdout).toMatch(
    /^tiny {2}\d\.\d MB {2}image fp32, text fp32 {2}from a local checkpoint and a local checkpoint {2}in .*tiny\n/,
  );
  expect(stdout).toContain("(image cost: work for a picture, in that of ViT-B/32)");
  expect(stdout).toContain(
    "\n  siglip2-base-patch16-224  768 dimensions  1535 MB  109 languages  Apache-2.0  image cost 4\n",
  );
});

it("verifies models, and fails when one was altered", async () => {
  expect(await models("verify", "tiny")).toMatchObject({ code: 0, stdout: expect.stringContaining("ok") });
  await appendFile(join(modelsDir, "tiny/tokenizer.json"), " ");
  const { code, stdout, stderr } = await models("verify");
  expect(code).not.toBe(0);
  expect(stdout).toContain("DAMAGED");
  expect(stderr).toContain("1 of 1 models are damaged");
});

it("removes a model, damaged or not, and nothing else", async () => {
  await mkdir(join(modelsDir, "other"));
  await writeFile(join(modelsDir, "other/manifest.json"), "{}");
  expect((await models("remove", "other")).code).not.toBe(0);
  expect((await models("remove", "absent")).stderr).toContain("There is no model absent");
  expect((await models("remove", "tiny")).code).toBe(0);
  expect(await readdir(modelsDir)).toEqual([".downloads", "other"]);
});
