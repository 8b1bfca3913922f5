import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { HubConfig } from "../../src/config/hub.ts";
import { hubSettings } from "../../src/config/hub.ts";
import { readSettings } from "../../src/config/setting.ts";
import { type Hub, openHub } from "../../src/hub/hub.ts";
import { type Needs, type PullOptions, pullModel } from "../../src/hub/pull-model.ts";
import { openModel, verifyModel } from "../../src/model/folder.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import { buildTinyModel, golden } from "../support/tiny-model.ts";
import { commitOf, type Fault, type HubRequest, type LoopbackHub, sha256Of, startLoopbackHub } from "./loopback-hub.ts";

const image = { repository: "tiny/clip", revision: "main" };
const text = { repository: "tiny/text", revision: "v1" };
const weights = "0_CLIPModel/model.safetensors";
const sourceOf = (repository: string) => join(golden, repository);

let expected: Manifest["files"];
let root: string;
let loopback: LoopbackHub;
let waits: number[];
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  expected = (await openModel(await buildTinyModel())).manifest.files;
});
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pull-"));
  waits = [];
  loopback = await startLoopbackHub({
    "tiny/clip": { directory: sourceOf("tiny/clip") },
    "tiny/text": { directory: sourceOf("tiny/text"), revisions: ["v1"] },
    "tiny/gated": { directory: sourceOf("tiny/clip"), token: "the-token", gated: true },
  });
  opened.push(loopback);
});
afterEach(async () => {
  for (const it of opened.splice(0)) await it.close();
  await rm(root, { recursive: true, force: true });
});

/** Opens a Hub that does not really wait between its tries. */
async function hubWith(config: Partial<HubConfig> = {}): Promise<Hub> {
  const settings = readSettings(hubSettings, {
    flags: {},
    env: { HF_ENDPOINT: loopback.endpoint, HF_HOME: join(root, "hf") },
  });
  const hub = await openHub({ ...settings, ...config });
  opened.push(hub);
  return { ...hub, wait: async (ms) => void waits.push(ms) };
}

async function pull(options: Partial<PullOptions> & { config?: Partial<HubConfig> } = {}) {
  const hub = options.hub ?? (await hubWith(options.config));
  return pullModel({ hub, image, text, outDir: join(root, "models/tiny"), precision: "fp32", ...options });
}

/** Pulls, and looks whether the very model came of it that a build from the original files gives. */
async function expectWholeModel(options: Parameters<typeof pull>[0] = {}) {
  const { model } = await pull(options);
  await verifyModel(model);
  expect(model.manifest.files).toEqual(expected);
  return model;
}

/** Lets connections break only after the client has stored what was sent. */
function breakAfterStoring() {
  loopback.beforeBreak = async ({ repository, path, firstByte }, sentBytes) => {
    const target = join(root, "models/.downloads", repository.replace("/", "--"), commitOf(repository), path);
    await expect
      .poll(() => storedBytes(target), { timeout: 20_000, interval: 5 })
      .toBeGreaterThanOrEqual(firstByte + sentBytes);
  };
}

async function storedBytes(target: string): Promise<number> {
  const name = (await readdir(dirname(target))).find((it) => it.startsWith(`${basename(target)}.`));
  return name === undefined ? 0 : (await stat(join(dirname(target), name))).size;
}

/** Faults the first answers that fit, as many as `times`. */
function once(fault: Fault, fits: (request: HubRequest) => boolean, times = 1) {
  let left = times;
  loopback.fault = (request) => (fits(request) && left-- > 0 ? fault : undefined);
}

const isWeights = (request: HubRequest) => request.path === weights && request.host === "storage";
const downloadsOf = (path: string) =>
  loopback.requests.filter((it) => it.method === "GET" && it.path === path && it.host === "storage");

describe("pull", () => {
  it("builds the model that the original files give, names its commits, and leaves no downloads", async () => {
    const model = await expectWholeModel();
    expect(model.manifest.sources.image).toMatchObject({ repository: "tiny/clip", revision: commitOf("tiny/clip") });
    expect(model.manifest.sources.text).toMatchObject({ repository: "tiny/text", revision: commitOf("tiny/text") });
    expect(await readdir(join(root, "models/.downloads"), { recursive: true })).toEqual([]);
  });

  it("downloads only the files that are needed", async () => {
    await pull();
    const paths = loopback.requests.filter(
      ({ method, host, path }) => method === "GET" && (host === "storage" || path.endsWith(".json")),
    );
    expect([...new Set(paths.map(({ repository, path }) => `${repository}/${path}`))].sort()).toEqual([
      "tiny/clip/0_CLIPModel/config.json",
      "tiny/clip/0_CLIPModel/model.safetensors",
      "tiny/clip/0_CLIPModel/preprocessor_config.json",
      "tiny/clip/modules.json",
      "tiny/text/1_Pooling/config.json",
      "tiny/text/2_Dense/config.json",
      "tiny/text/2_Dense/model.safetensors",
      "tiny/text/config.json",
      "tiny/text/config_sentence_transformers.json",
      "tiny/text/model.safetensors",
      "tiny/text/modules.json",
      "tiny/text/sentence_bert_config.json",
      "tiny/text/tokenizer.json",
      "tiny/text/tokenizer_config.json",
    ]);
  });

  it("does nothing when the same model is installed, and mends one that was altered", async () => {
    const { model } = await pull();
    const before = loopback.requests.length;
    expect((await pull()).wasInstalled).toBe(true);
    expect(loopback.requests.slice(before).some(({ method }) => method === "GET")).toBe(false);
    const file = join(model.directory, "tokenizer.json");
    const bytes = await readFile(file);
    bytes[100]! ^= 1;
    await writeFile(file, bytes);
    await expect(verifyModel(model)).rejects.toThrow("tokenizer.json was altered");
    await expectWholeModel();
  });

  it.each([
    { name: "siglip2", dimensions: 32, files: ["model.safetensors"] },
    {
      name: "clip-l14",
      dimensions: 48,
      files: [1, 2, 3, 4, 5].map((number) => `model-0000${number}-of-00005.safetensors`),
    },
  ])("takes both towers of $name from one repository, whose files it downloads once", async (fixture) => {
    const directory = join(import.meta.dirname, "../fixtures/checkpoints", fixture.name);
    await loopback.close();
    loopback = await startLoopbackHub({ "tiny/both": { directory } });
    opened.push(loopback);
    const checkpoint = { repository: "tiny/both", revision: "main" };
    const { model } = await pull({ image: checkpoint, text: checkpoint });
    expect(model.manifest.dimensions).toBe(fixture.dimensions);
    for (const file of fixture.files) expect(downloadsOf(file)).toHaveLength(1);
  });

  it("says what the model takes before it downloads it", async () => {
    const needs: object[] = [];
    await pull({ onNeeds: (it) => needs.push({ ...it, downloads: downloadsOf(weights).length }) });
    const bytes = 1_688_284 + 2_071_256 + 131_192;
    expect(needs).toEqual([{ downloadBytes: bytes, diskBytes: 2 * bytes, memoryBytes: bytes + 400e6, downloads: 0 }]);
  });

  it("says that a checkpoint of 16-bit numbers becomes twice as large", async () => {
    const directory = join(import.meta.dirname, "../fixtures/checkpoints/clip-h14");
    await loopback.close();
    loopback = await startLoopbackHub({ "tiny/half": { directory } });
    opened.push(loopback);
    const half = { repository: "tiny/half", revision: "main" };
    const needs: Needs[] = [];
    await pull({ image: half, text: half, onNeeds: (it) => needs.push(it) });
    const { downloadBytes: bytes } = needs[0]!;
    expect(needs).toEqual([{ downloadBytes: bytes, diskBytes: 3 * bytes, memoryBytes: 2 * bytes + 400e6 }]);
  });

  it("reports how many bytes of how many are there", async () => {
    const reports: number[] = [];
    await pull({ onDownload: ({ receivedBytes, totalBytes }) => reports.push(receivedBytes / totalBytes) });
    expect(reports.at(-1)).toBe(1);
    expect(reports.length).toBeGreaterThan(5);
  });
});

describe("a Hub that tells less", () => {
  const isHead = ({ method, path }: HubRequest, wanted: string) => method === "HEAD" && path === wanted;

  it("may leave out how long a file is", async () => {
    loopback.fault = (request) =>
      isHead(request, weights) ? { kind: "headers", headers: { "x-linked-size": "" } } : undefined;
    await expectWholeModel();
  });

  it("may have ETags that are no hashes, for what is then not resumed", async () => {
    loopback.fault = (request) => {
      if (isHead(request, weights)) return { kind: "headers", headers: { "x-linked-etag": '"v7"' } };
      return isWeights(request) && request.firstByte === 0 && downloadsOf(weights).length === 1
        ? { kind: "cut", afterBytes: 100_000 }
        : undefined;
    };
    await expectWholeModel();
    expect(downloadsOf(weights).map(({ firstByte }) => firstByte)).toEqual([0, 0]);
  });

  it("must not answer with another commit than it was asked for", async () => {
    loopback.fault = (request) =>
      isHead(request, weights) ? { kind: "headers", headers: { "x-repo-commit": "0".repeat(40) } } : undefined;
    await expect(pull()).rejects.toThrow(`expected ${commitOf("tiny/clip")}`);
  });
});

describe("a pull goes on", () => {
  it("after connections that break, at the byte where they broke", async () => {
    breakAfterStoring();
    once({ kind: "cut", afterBytes: 100_000 }, isWeights, 3);
    await expectWholeModel();
    expect(downloadsOf(weights).map(({ firstByte }) => firstByte)).toEqual([0, 100_000, 200_000, 300_000]);
  });

  it.each<[string, Fault, number]>([
    ["503", { kind: "status", status: 503 }, 250],
    ["429 with Retry-After", { kind: "status", status: 429, headers: { "retry-after": "7" } }, 7000],
    ["a link to the storage that expired", { kind: "status", status: 403 }, 250],
    ["more bytes than announced", { kind: "too-long" }, 250],
  ])("after %s, having waited", async (_, fault, leastMs) => {
    once(fault, isWeights);
    await expectWholeModel();
    expect(Math.max(...waits)).toBeGreaterThanOrEqual(leastMs);
  });

  it("after 503 and 429 to the first questions", async () => {
    once({ kind: "status", status: 503 }, ({ method }) => method === "HEAD", 3);
    await expectWholeModel();
    expect(waits).toHaveLength(3);
    expect(waits[2]).toBeGreaterThanOrEqual(1000); // 0.5 s, 1 s, 2 s, each shortened by up to half
  });

  it("after a body that falls silent", async () => {
    once({ kind: "stall", afterBytes: 100 }, isWeights);
    await expectWholeModel({ config: { downloadStallTimeoutMs: 500 } });
  });

  it("through a body that comes in small pieces, without asking again", async () => {
    once({ kind: "slow", pieceBytes: 20_000, everyMs: 40 }, isWeights); // 85 pieces: longer than the stall timeout
    await expectWholeModel({ config: { downloadStallTimeoutMs: 2000 } });
    expect(downloadsOf(weights)).toHaveLength(1);
  });

  it("from a server that knows no ranges, from the start", async () => {
    breakAfterStoring();
    let broken = false;
    loopback.fault = (request) => {
      if (!isWeights(request)) return undefined;
      if (broken) return { kind: "ignore-range" };
      broken = true;
      return { kind: "cut", afterBytes: 100_000 };
    };
    await expectWholeModel();
  });

  it("from a server that sends another range than it was asked for", async () => {
    breakAfterStoring();
    let count = 0;
    loopback.fault = (request) =>
      isWeights(request)
        ? ([{ kind: "cut", afterBytes: 100_000 }, { kind: "wrong-range" }] as const)[count++]
        : undefined;
    await expectWholeModel();
  });

  it("without joining the bytes of two different files", async () => {
    const directory = join(root, "changing");
    await cp(sourceOf("tiny/clip"), directory, { recursive: true });
    await loopback.close();
    loopback = await startLoopbackHub({
      "tiny/clip": { directory },
      "tiny/text": { directory: sourceOf("tiny/text"), revisions: ["v1"] },
    });
    opened.push(loopback);
    const path = join(directory, weights);
    const right = await readFile(path);
    await writeFile(path, Buffer.alloc(right.length, 7));
    breakAfterStoring();
    once({ kind: "cut", afterBytes: 200_000 }, isWeights, 9);
    await expect(pull({ config: { downloadAttempts: 1 } })).rejects.toThrow("broke");
    await writeFile(path, right);
    loopback.fault = () => undefined;
    await expectWholeModel();
  });

  it("from bytes that went bad on disk, by starting again", async () => {
    breakAfterStoring();
    once({ kind: "cut", afterBytes: 200_000 }, isWeights, 9);
    await expect(pull({ config: { downloadAttempts: 1 } })).rejects.toThrow();
    loopback.fault = () => undefined;
    const directory = join(root, "models/.downloads/tiny--clip", commitOf("tiny/clip"), "0_CLIPModel");
    const [partial] = (await readdir(directory)).filter((name) => name.endsWith(".incomplete"));
    const path = join(directory, partial!);
    const { length } = await readFile(path);
    await truncate(path, length - 5000);
    await writeFile(path, Buffer.alloc(length)); // as after a power cut
    await expectWholeModel();
  });
});

describe("a pull gives up, saying what to do", () => {
  const failure = (options: Parameters<typeof pull>[0] = {}) =>
    pull(options).then(
      () => expect.unreachable("the pull succeeded"),
      (error: Error) => error.message,
    );

  it("when bytes are wrong, with both checksums, keeping none of them", async () => {
    loopback.fault = (request) => (isWeights(request) ? { kind: "corrupt" } : undefined);
    const bytes = await readFile(join(sourceOf("tiny/clip"), weights));
    const message = await failure();
    expect(message).toContain(`expected sha256 ${sha256Of(bytes)}`);
    bytes[bytes.length >> 1]! ^= 1;
    expect(message).toContain(`received ${sha256Of(bytes)}`);
    const left = await readdir(join(root, "models/.downloads"), { recursive: true });
    expect(left.filter((path) => path.includes("CLIPModel/model.safetensors"))).toEqual([]);
    expect(await readdir(join(root, "models"))).toEqual([".downloads"]);
  });

  it("when bytes that come in pieces are wrong, after one more try from the start", async () => {
    const directory = join(root, "altered");
    await cp(sourceOf("tiny/clip"), directory, { recursive: true });
    await loopback.close();
    loopback = await startLoopbackHub({
      "tiny/clip": { directory },
      "tiny/text": { directory: sourceOf("tiny/text"), revisions: ["v1"] },
    });
    opened.push(loopback);
    const right = await readFile(join(directory, weights));
    await writeFile(join(directory, weights), Buffer.alloc(right.length, 7));
    breakAfterStoring();
    loopback.fault = (request) => {
      if (request.method === "HEAD" && request.path === weights) {
        return { kind: "headers", headers: { "x-linked-etag": sha256Of(right) } };
      }
      return isWeights(request) && request.firstByte === 0 ? { kind: "cut", afterBytes: 100_000 } : undefined;
    };
    expect(await failure()).toContain("wrong bytes");
    expect(downloadsOf(weights)).toHaveLength(4); // two pieces, twice
  });

  it("when bytes of a small file are wrong", async () => {
    loopback.fault = ({ path, method }) =>
      path === "modules.json" && method === "GET" ? { kind: "corrupt" } : undefined;
    expect(await failure()).toContain("wrong bytes: expected sha1");
  });

  it("when the Hub offers another file than the pinned one, before downloading it", async () => {
    const sha256 = { [weights]: "0".repeat(64) };
    expect(await failure({ image: { ...image, sha256 } })).toContain(`expected sha256 ${"0".repeat(64)}, received`);
    expect(downloadsOf(weights)).toEqual([]);
  });

  it("when the disk has not room for what the Hub announces, before downloading it", async () => {
    loopback.fault = ({ path, method }) =>
      path === weights && method === "HEAD" ? { kind: "headers", headers: { "x-linked-size": `${1e15}` } } : undefined;
    expect(await failure()).toMatch(
      /Expected 2000000\d+ MB of free disk space .* found \d+ MB: free some, or set MODELS_DIR/,
    );
    expect(downloadsOf(weights)).toEqual([]);
  });

  it("when the folder holds something else than a model", async () => {
    await mkdir(join(root, "models/tiny"), { recursive: true });
    await writeFile(join(root, "models/tiny/thesis.txt"), "");
    expect(await failure()).toContain("holds files that are not a model");
    expect(loopback.requests).toEqual([]);
  });

  it("when the server never gets further", async () => {
    loopback.fault = (request) => (isWeights(request) ? { kind: "cut", afterBytes: 0 } : undefined);
    expect(await failure({ config: { downloadAttempts: 3 } })).toContain("broke");
    expect(downloadsOf(weights)).toHaveLength(3);
  });

  it("when a server without ranges always breaks off at the same byte", async () => {
    loopback.fault = (request) =>
      isWeights(request) ? { kind: "cut", afterBytes: 100_000, ignoreRange: true } : undefined;
    expect(await failure({ config: { downloadAttempts: 3 } })).toContain("broke");
    expect(downloadsOf(weights).length).toBeLessThan(20);
  });

  it("when the server never stops sending", async () => {
    loopback.fault = (request) => (isWeights(request) ? { kind: "too-long" } : undefined);
    expect(await failure({ config: { downloadAttempts: 3 } })).toContain("sends more than");
  });

  it("when Retry-After asks for an hour", async () => {
    loopback.fault = () => ({ kind: "status", status: 429, headers: { "retry-after": "3600" } });
    expect(await failure()).toContain("429");
    expect(loopback.requests).toHaveLength(1);
  });

  it.each([
    [
      "no such repository",
      { repository: "no/such", revision: "main" },
      /no repository no\/such .* check the name, or set HF_TOKEN/,
    ],
    ["no such revision", { repository: "tiny/clip", revision: "v9" }, /has no revision v9/],
    [
      "gated",
      { repository: "tiny/gated", revision: "main" },
      /is gated: accept its terms at http.*tiny\/gated, then set HF_TOKEN/,
    ],
    [
      "not the architecture",
      { repository: "tiny/text", revision: "main" },
      /model_type: "distilbert" is not implemented/,
    ],
  ])("%s", async (_, image, message) => {
    expect(await failure({ image })).toMatch(message);
  });

  it("when the Hub cannot be reached", async () => {
    await loopback.close();
    expect(await failure({ config: { downloadAttempts: 2 } })).toContain("check the network");
  });

  it("when redirects go round in circles", async () => {
    loopback.fault = ({ method }) =>
      method === "GET"
        ? { kind: "status", status: 302, headers: { location: "/tiny/clip/resolve/main/modules.json" } }
        : undefined;
    expect(await failure()).toContain("redirects more than");
  });

  it("when it is aborted", async () => {
    loopback.fault = (request) => (isWeights(request) ? { kind: "stall", afterBytes: 100 } : undefined);
    await expect(pull({ signal: AbortSignal.timeout(700) })).rejects.toThrow("timeout");
  });
});

describe("the token", () => {
  it("opens a gated repository and never reaches another host", async () => {
    await expectWholeModel({ image: { repository: "tiny/gated", revision: "main" }, config: { hfToken: "the-token" } });
    const withToken = loopback.requests.filter(({ authorization }) => authorization !== undefined);
    expect(new Set(withToken.map(({ host }) => host))).toEqual(new Set(["hub"]));
    expect(loopback.requests.some(({ host }) => host === "storage")).toBe(true);
  });

  it("is read from HF_TOKEN_PATH, or HF_HOME", async () => {
    await mkdir(join(root, "hf"));
    await writeFile(join(root, "hf/token"), "from-home\n");
    await writeFile(join(root, "elsewhere"), "from-path\n");
    expect((await hubWith()).token).toBe("from-home");
    expect((await hubWith({ hfTokenPath: join(root, "elsewhere") })).token).toBe("from-path");
    expect((await hubWith({ hfToken: "given" })).token).toBe("given");
  });
});

describe("a proxy", () => {
  /** Tunnels everything to the Hub on loopback, whatever host it was asked for. */
  async function startProxy() {
    const asked: string[] = [];
    const proxy = createServer().on("connect", (request, client) => {
      asked.push(request.url ?? "");
      const upstream = connect(Number(new URL(loopback.endpoint).port), "127.0.0.1", () => {
        client.write("HTTP/1.1 200 OK\r\n\r\n");
        upstream.pipe(client).pipe(upstream);
      });
      for (const socket of [client, upstream]) socket.on("error", () => socket.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    opened.push({ close: async () => void proxy.close() });
    return { asked, url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` }; // listens on TCP
  }

  it("is used for every host but those in NO_PROXY", async () => {
    const { asked, url } = await startProxy();
    const config = { hfEndpoint: "http://hub.invalid", httpProxy: url, noProxy: "127.0.0.2" };
    await expectWholeModel({ config });
    expect(new Set(asked)).toEqual(new Set(["hub.invalid:80"]));
  });
});

describe("Python's cache", () => {
  /** Lays files out as huggingface_hub does. */
  async function cache(repository: string) {
    const place = join(root, "hf/hub", `models--${repository.replace("/", "--")}`);
    const commit = commitOf(repository);
    await mkdir(join(place, "refs"), { recursive: true });
    await writeFile(join(place, "refs/main"), commit);
    const directory = sourceOf(repository);
    for (const path of await readdir(directory, { recursive: true, withFileTypes: true })) {
      if (!path.isFile()) continue;
      const source = join(path.parentPath, path.name);
      const blob = join(place, "blobs", sha256Of(await readFile(source)));
      await cp(source, blob);
      const link = join(place, "snapshots", commit, source.slice(directory.length + 1));
      await mkdir(dirname(link), { recursive: true });
      await symlink(blob, link);
    }
    return place;
  }

  it("is enough, without one request, when HF_HUB_OFFLINE is set", async () => {
    await cache("tiny/clip");
    await cache("tiny/text");
    await expectWholeModel({ text: { ...text, revision: "main" }, config: { hfHubOffline: true } });
    expect(loopback.requests).toEqual([]);
  });

  it("saves downloading what it has, unless that is damaged", async () => {
    const place = await cache("tiny/clip");
    await expectWholeModel();
    expect(downloadsOf(weights)).toEqual([]);
    await rm(join(root, "models"), { recursive: true });
    await truncate(join(place, "snapshots", commitOf("tiny/clip"), weights), 1000);
    await expectWholeModel();
    expect(downloadsOf(weights)).toHaveLength(1);
  });

  it("is named when something is missing in it offline", async () => {
    await cache("tiny/clip");
    const config = { hfHubOffline: true };
    await expect(pull({ config })).rejects.toThrow("v1 of tiny/text is cannot be found out offline");
    const pinned = { ...text, revision: commitOf("tiny/text") };
    await expect(pull({ text: pinned, config })).rejects.toThrow("is not in the Hugging Face cache");
  });
});

describe("the lock", () => {
  it("lets one of several pulls work and the others wait, until the model is there", async () => {
    let waited = 0;
    const pulls = await Promise.all([1, 2, 3].map(() => pull({ onWait: () => waited++ })));
    expect(pulls.filter(({ wasInstalled }) => !wasInstalled)).toHaveLength(1);
    expect(waited).toBeGreaterThanOrEqual(2);
    expect((await readdir(join(root, "models/.downloads"))).filter((name) => name.startsWith("lock"))).toEqual([]);
  });
});
