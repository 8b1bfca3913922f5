import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createEncoder } from "../../src/encoder/encoder.ts";
import { second } from "../support/checkpoints.ts";
import { runCli } from "../support/run-cli.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

describe("a model that is built anew in its place while it is served", () => {
  it("goes on giving the vectors that it gave", async () => {
    const model = await buildTinyModel();
    onTestFinished(() => rm(dirname(model), { recursive: true }));
    const encoder = await createEncoder({ model });
    onTestFinished(() => encoder.close());
    const vectors = async () => (await encoder.encodeTexts(["a red bicycle", "ein Hund"])).embeddings;
    const before = await vectors();
    const checkpoints = ["--image", `${second}/image`, "--text", `${second}/text`];
    expect((await runCli(["build", ...checkpoints, "--out", model, "--precision", "fp32"])).code).toBe(0);
    expect(await vectors()).toEqual(before);
    const another = await createEncoder({ model });
    onTestFinished(() => another.close());
    expect(another.manifest.dimensions).not.toBe(encoder.manifest.dimensions);
  });
});
