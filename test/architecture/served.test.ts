import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { cosine } from "../../src/tower/vectors.ts";
import { temporaryFolder } from "../support/checkpoints.ts";
import { runCli, startCli } from "../support/run-cli.ts";
import { golden } from "../support/tiny-model.ts";

const fixtures = resolve(import.meta.dirname, "../fixtures/checkpoints");

it.each(["clip-legacy", "siglip2"])("a checkpoint like %s is built and served by commands alone", async (name) => {
  const checkpoint = join(fixtures, name);
  const out = join(await temporaryFolder(), name);
  const built = await runCli(["build", "--checkpoint", checkpoint, "--out", out, "--precision", "int8"]);
  expect(built).toMatchObject({ code: 0, stdout: expect.stringContaining(`built: ${name}`) });
  expect((await runCli(["build", "--checkpoint", checkpoint, "--out", out, "--precision", "fp32"])).code).toBe(0);

  const service = startCli(["serve", "--model", out, "--port", "0", "--host", "127.0.0.1", "--admin-port", "0"]);
  const url = (await service.says(/http:\/\/127\.0\.0\.1:\d+/)).trim();
  const reference = JSON.parse(await readFile(join(checkpoint, "reference.json"), "utf8"));
  const ask = async (route: string, body: object) => {
    const headers = { "content-type": "application/json" };
    const reply = await fetch(`${url}${route}`, { method: "POST", headers, body: JSON.stringify(body) });
    const { embedding } = (await reply.json()) as { embedding: number[] }; // as the contract says
    return Float32Array.from(embedding);
  };
  const { text, embedding } = reference.texts[0];
  expect(cosine(await ask("/encode_text", { text }), Float32Array.from(embedding))).toBeGreaterThan(0.99999);
  const picture = await readFile(join(golden, "images/wide.png"));
  const vector = await ask("/encode_image", { image_b64: picture.toString("base64") });
  expect(cosine(vector, Float32Array.from(reference.images["wide.png"].embedding))).toBeGreaterThan(0.99999);
});
