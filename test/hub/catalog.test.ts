import { cp, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { hubSettings } from "../../src/config/hub.ts";
import { readSettings } from "../../src/config/setting.ts";
import { openHub } from "../../src/hub/hub.ts";
import { pullModel } from "../../src/hub/pull-model.ts";
import { type CatalogEntry, catalog } from "../../src/model/catalog.ts";
import { temporaryFolder } from "../support/checkpoints.ts";
import { runCli } from "../support/run-cli.ts";
import { golden } from "../support/tiny-model.ts";
import { type LoopbackHub, type LoopbackRepository, startLoopbackHub } from "./loopback-hub.ts";

const checkpoints = resolve(import.meta.dirname, "../fixtures/checkpoints");

/** Tiny checkpoints of the same layout stand for the real ones. */
function standInOf(repository: string): string {
  if (repository.startsWith("google/siglip2")) return join(checkpoints, "siglip2");
  if (repository.startsWith("sentence-transformers/")) {
    return join(golden, repository.includes("multilingual") ? "tiny/text" : "tiny/clip");
  }
  return join(checkpoints, repository.startsWith("laion/") ? "clip-open" : "clip-legacy");
}

async function hubOf(repositories: Record<string, LoopbackRepository>): Promise<LoopbackHub> {
  const loopback = await startLoopbackHub(repositories);
  onTestFinished(() => loopback.close());
  return loopback;
}

function hubWith({ image, text }: CatalogEntry): Promise<LoopbackHub> {
  const of = ({ repository, revision }: CatalogEntry["image"]) => [
    repository,
    { directory: standInOf(repository), commit: revision },
  ];
  return hubOf(Object.fromEntries([of(image), of(text)]));
}

async function pull(loopback: LoopbackHub, { image, text }: Pick<CatalogEntry, "image" | "text">) {
  const folder = await temporaryFolder();
  const env = { HF_ENDPOINT: loopback.endpoint, HF_HOME: join(folder, "hf") };
  const hub = await openHub(readSettings(hubSettings, { flags: {}, env }));
  onTestFinished(() => hub.close());
  return pullModel({ hub, image, text, outDir: join(folder, "model"), precision: "fp32" });
}

const downloadedWeights = ({ requests }: LoopbackHub) =>
  requests.filter(({ method, path, host }) => method === "GET" && path.endsWith(".safetensors") && host === "storage");

const entries = Object.entries(catalog);
const isPinned = ([, { image }]: (typeof entries)[number]) => Object.keys(image.sha256).length > 0;

describe("a model of the catalog", () => {
  it.each(entries.filter(isPinned))("%s is refused before its download where its hash is another", async (_, entry) => {
    const loopback = await hubWith(entry);
    const pinned = [...Object.values(entry.image.sha256), ...Object.values(entry.text.sha256)];
    const refusal = new RegExp(`than the pinned one: expected sha256 (${pinned.join("|")}), received`);
    await expect(pull(loopback, entry)).rejects.toThrow(refusal);
    expect(downloadedWeights(loopback)).toEqual([]);
  });

  it.each(entries)("%s is asked for at its commit alone, and is built where nothing is pinned", async (_, entry) => {
    const unpinned = { image: { ...entry.image, sha256: {} }, text: { ...entry.text, sha256: {} } };
    const { model } = await pull(await hubWith(entry), unpinned);
    const { image, text } = model.manifest.sources;
    expect([image.revision, text.revision]).toEqual([entry.image.revision, entry.text.revision]);
    const moved = { directory: standInOf(entry.image.repository), commit: "f".repeat(40) };
    const later = await hubOf({ [entry.image.repository]: moved, [entry.text.repository]: moved });
    await expect(pull(later, unpinned)).rejects.toThrow(entry.image.revision);
  });

  it("is installed by its name, and the command says first what it takes", async () => {
    const entry = catalog["clip-vit-b-16"]!;
    const { endpoint } = await hubWith(entry);
    const folder = await temporaryFolder();
    const env = { HF_ENDPOINT: endpoint, HF_HOME: join(folder, "hf"), MODELS_DIR: folder };
    const { code, stdout, stderr } = await runCli(["pull", "clip-vit-b-16"], env);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("installed: clip-vit-b-16") });
    expect(stderr).toMatch(/MB to download, [\d.]+ MB of disk until the model is built; serving it takes about \d+ MB/);
    const listed = await runCli(["models", "list"], { MODELS_DIR: folder });
    expect(listed.stdout).toMatch(/clip-vit-b-16.*English/);
  });
});

it("a NaFlex checkpoint is refused by its name before its weights are downloaded", async () => {
  const directory = await temporaryFolder();
  await cp(join(checkpoints, "siglip2"), directory, { recursive: true });
  const config = JSON.parse(await readFile(join(directory, "config.json"), "utf8"));
  await writeFile(join(directory, "config.json"), JSON.stringify({ ...config, model_type: "siglip2" }));
  const loopback = await hubOf({ "tiny/naflex": { directory } });
  const checkpoint = { repository: "tiny/naflex", revision: "main", sha256: {} };
  await expect(pull(loopback, { image: checkpoint, text: checkpoint })).rejects.toThrow(/NaFlex/);
  expect(downloadedWeights(loopback)).toEqual([]);
});
