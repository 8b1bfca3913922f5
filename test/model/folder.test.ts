import { mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { buildModel } from "../../src/build/build.ts";
import { checkContent } from "../../src/hub/content-hash.ts";
import { fileRecord, openModel, verifyModel } from "../../src/model/folder.ts";
import { copyPair, editJson, temporaryFolder } from "../support/checkpoints.ts";

let directory: string;

beforeEach(async () => {
  const pair = await copyPair();
  ({ directory } = await buildModel({ ...pair, name: "second", precision: "fp32" }));
});

async function problem(): Promise<string> {
  const error = await openModel(directory).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "MODEL_INVALID", internal: directory });
  expect(error.message).toMatch(/image-text-encoder build/); // how to mend it
  expect(error.message).not.toContain(directory);
  return error.message;
}

describe("a model folder cannot be used, saying why, when", () => {
  it("it is not there", async () => {
    directory = join(directory, "nothing");
    expect(await problem()).toMatch(/no such model folder/);
  });

  it("it is empty", async () => {
    directory = await temporaryFolder();
    expect(await problem()).toMatch(/manifest\.json is missing: this is not a model folder/);
  });

  it("it is a checkpoint", async () => {
    ({ imageDir: directory } = await copyPair());
    expect(await problem()).toMatch(/this is a checkpoint, not a model folder/);
  });

  it.each(["manifest.json", "image.onnx", "image.weights", "text.onnx", "text.weights", "tokenizer.json"])(
    "%s is missing",
    async (file) => {
      await rm(join(directory, file));
      expect(await problem()).toContain(`${file} is missing`);
    },
  );

  it("a file is a folder", async () => {
    await rm(join(directory, "text.onnx"));
    await mkdir(join(directory, "text.onnx"));
    expect(await problem()).toContain("text.onnx is missing");
  });

  it("a file is truncated", async () => {
    await truncate(join(directory, "image.weights"), 1000);
    expect(await problem()).toMatch(/image\.weights has 1000 bytes, the manifest says \d+/);
  });

  it("the manifest is not JSON", async () => {
    await writeFile(join(directory, "manifest.json"), "{");
    expect(await problem()).toMatch(/manifest\.json is not JSON/);
  });

  it("the manifest lacks something", async () => {
    await editJson(join(directory, "manifest.json"), "image.size", undefined);
    expect(await problem()).toMatch(/image\.size/);
  });

  it("the manifest is of another format version", async () => {
    await editJson(join(directory, "manifest.json"), "formatVersion", 99);
    expect(await problem()).toMatch(/format version 99, this program reads 1 and 2/);
  });

  it.each(["../../etc/passwd", "/etc/passwd", "a/b", ".."])("the manifest names the file %s", async (file) => {
    await editJson(join(directory, "manifest.json"), "text.tokenizer", file);
    expect(await problem()).toMatch(/text\.tokenizer: expected the name of a file in the folder/);
  });

  it("the manifest names a graph that it does not list", async () => {
    await editJson(join(directory, "manifest.json"), "text.graph", "other.onnx");
    expect(await problem()).toMatch(/does not list other\.onnx/);
  });
});

it("a model folder of version 1 opens, with what such models have always had", async () => {
  const file = join(directory, "manifest.json");
  const { logit, image, text, ...rest } = JSON.parse(await readFile(file, "utf8"));
  const { architecture: _image, fit: _fit, resample: _resample, ...oldImage } = image;
  const { architecture: _text, padding: _padding, paddingSide: _side, ...oldText } = text;
  const old = { ...rest, formatVersion: 1, logitScale: 4.6, image: oldImage, text: oldText };
  await writeFile(file, JSON.stringify(old));
  const { manifest } = await openModel(directory);
  expect(manifest.logit).toEqual({ kind: "softmax", scale: 4.6 });
  expect(manifest.image).toEqual({ ...oldImage, architecture: "clip-vision", fit: "cover", resample: "bicubic" });
  expect(manifest.text).toMatchObject({ architecture: "distilbert", padding: "batch", paddingSide: "right" });
  await writeFile(file, JSON.stringify({ ...old, logitScale: null }));
  expect((await openModel(directory)).manifest.logit).toBeNull();
});

describe("verifying a model", () => {
  it("finds nothing wrong with a fresh one", async () => {
    await verifyModel(await openModel(directory));
  });

  it("finds a single bit that changed", async () => {
    const file = join(directory, "text.weights");
    const bytes = await readFile(file);
    bytes[1234]! ^= 1;
    await writeFile(file, bytes);
    const model = await openModel(directory); // the size is right
    await expect(verifyModel(model)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining("text.weights was altered"),
    });
  });
});

describe("a file that is hashed", () => {
  it("is left when the signal aborts, with the signal's own reason", async () => {
    const reason = new Error("SIGTERM");
    const path = join(directory, "text.weights");
    await expect(fileRecord(path, AbortSignal.abort(reason))).rejects.toBe(reason);
    const expected = { algorithm: "sha1", hex: "" } as const;
    await expect(checkContent(path, expected, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
