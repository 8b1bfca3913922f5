import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFolder } from "../support/checkpoints.ts";
import { listen } from "../support/loopback.ts";
import { runCli, startCli } from "../support/run-cli.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

/** Starts the service with the embedded model on a free port. */
async function startService(env: Record<string, string> = {}) {
  const running = startCli(["serve", "--port", "0", "--host", "127.0.0.1"], env);
  const [url] = (await running.says(/http:\/\/127\.0\.0\.1:\d+/)).match(/http.*/)!;
  return { ...running, url };
}

const encode = (url: string, texts: string[]) =>
  fetch(`${url}/encode_text`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ texts }),
  });

describe("serve", () => {
  it("says what it serves, as JSON lines, and answers", async () => {
    const { url, output, child, ended } = await startService();
    const reply = await encode(url, ["a red bicycle"]);
    expect(reply.status).toBe(200);
    expect(reply.headers.get("x-model")).toBe("everyday-mini");
    const lines = output()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.find(({ model }) => model)).toMatchObject({ level: "warn", model: "everyday-mini", dimensions: 512 });
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  });

  it("says in the log, at /info and in a metric that DEVICE auto found no GPU", async () => {
    const { url, output, child, ended } = await startService({ DEVICE: "auto" });
    expect(output()).toMatch(/"reason":"[^"]+","msg":"DEVICE is auto and no GPU can be used/);
    expect(await (await fetch(`${url}/info`)).json()).toMatchObject({ device: { wanted: "auto", used: "cpu" } });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('encoder_device_info{wanted="auto",used="cpu"} 1');
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  });

  it("does not start with DEVICE cuda where there is none, and says what is missing", async () => {
    const { code, stderr } = await runCli(["serve", "--port", "0", "--device", "cuda"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/DEVICE cuda cannot be used: .*CUDA/);
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "finishes what is in flight at %s and ends with 0",
    async (signal) => {
      const { url, child, ended } = await startService();
      await fetch(`${url}/health/live`); // leaves a connection behind that is kept alive
      const texts = Array.from({ length: 200 }, (_, i) => `text number ${i} ${"word ".repeat(20)}`);
      const inFlight = encode(url, texts);
      await expect
        .poll(async () => (await (await fetch(`${url}/metrics`)).text()).match(/^encoder_requests_in_flight 1$/m))
        .not.toBeNull();
      child.kill(signal);
      const reply = await inFlight;
      expect(reply.status).toBe(200);
      expect(((await reply.json()) as { embeddings: number[][] }).embeddings).toHaveLength(200);
      expect((await ended).code).toBe(0);
    },
  );

  it("does not wait for connections that were opened in advance", async () => {
    const { url, output, child, ended } = await startService();
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
    await fetch(`${url}/health/live`); // and so the service has taken the first connection, too
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
    expect(output()).not.toContain("cut off");
  });

  it("cuts what takes longer than DRAIN_TIMEOUT_MS", async () => {
    const { url, child, ended, says } = await startService({ DRAIN_TIMEOUT_MS: "100" });
    // A body that never ends.
    const stuck = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from("{")) });
    const init = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: stuck,
      duplex: "half",
    } as RequestInit;
    const cut = fetch(`${url}/encode_text`, init).then(
      () => "answered",
      () => "cut",
    );
    await expect
      .poll(async () => (await (await fetch(`${url}/metrics`)).text()).match(/^encoder_requests_in_flight 1$/m))
      .not.toBeNull();
    child.kill("SIGTERM");
    await says("cut off");
    expect(await cut).toBe("cut");
    expect((await ended).code).toBe(0);
  });

  it("ends at once at a second signal", async () => {
    const { url, child, ended, says } = await startService();
    const stuck = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from("{")) });
    const init = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: stuck,
      duplex: "half",
    } as RequestInit;
    fetch(`${url}/encode_text`, init).catch(() => {});
    await expect
      .poll(async () => (await (await fetch(`${url}/metrics`)).text()).match(/^encoder_requests_in_flight 1$/m))
      .not.toBeNull();
    child.kill("SIGTERM");
    await says("stopping");
    child.kill("SIGTERM");
    expect((await ended).code).toBe(143);
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "ends with 0 and leaves nothing behind when %s comes while the embedded model is built",
    async (signal) => {
      const modelsDir = await temporaryFolder();
      const { child, ended } = startCli(["serve", "--port", "0", "--host", "127.0.0.1"], { MODELS_DIR: modelsDir });
      await expect.poll(() => readdirSync(modelsDir), { interval: 1, timeout: 20_000 }).not.toEqual([]);
      child.kill(signal);
      const { code, stdout } = await ended;
      expect(code).toBe(0);
      expect(stdout).not.toContain("listening");
      expect(readdirSync(modelsDir)).toEqual([]);
    },
  );

  it.each(["text.onnx", "tokenizer.json"])("says so and ends when %s of the model is broken", async (file) => {
    const model = await buildTinyModel();
    const path = join(model, file);
    writeFileSync(path, Buffer.alloc(readFileSync(path).length, "x")); // the size is the one in the manifest
    const { code, stderr } = await runCli(["serve", "--model", model, "--port", "0"]);
    await rm(dirname(model), { recursive: true });
    expect(code).toBe(1);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it("says so when the port is taken, and ends with 1", async () => {
    const port = await listen(createServer());
    const { ended } = startCli(["serve", "--port", String(port), "--host", "127.0.0.1"], { LOG_LEVEL: "silent" });
    const { code, stderr } = await ended;
    expect(code).toBe(1);
    expect(stderr).toBe(
      `image-text-encoder: Port ${port} on 127.0.0.1 is in use; choose another with --port, or stop what uses it.\n`,
    );
  });

  it("says what is wrong with a model that is not there", async () => {
    const { code, stderr } = await startCli(["serve", "--model", "no-such-model"]).ended;
    expect(code).toBe(1);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).toContain("no-such-model");
  });
});
