import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

export const picture = readFileSync(join(root, "test/fixtures/golden/images/photo.jpg"));
export const dataUri = `data:image/jpeg;base64,${picture.toString("base64")}`;
export const badDataUri = `data:image/jpeg;base64,${Buffer.from("not an image").toString("base64")}`;
export const key = "the-right-key";
/** The name of the embedded model, once a service has started. */
export let model;

/** Runs the service with the embedded model and an API key. Its settings are environment variables. */
export async function startService(settings = {}) {
  const port = await freePort();
  const child = spawn(process.execPath, [join(root, "bin/image-text-encoder"), "serve"], {
    env: { ...process.env, PORT: port, HOST: "127.0.0.1", API_KEYS: key, LOG_LEVEL: "error", ...settings },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 60_000;
  while (
    !(await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error("the service did not start");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const info = await fetch(`${url}/info`, { headers: { "x-api-key": key } });
  model = (await info.json()).model;
  return {
    url,
    async stop() {
      child.kill();
      await once(child, "exit");
    },
  };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

/** What our own route gives, to compare with. */
export async function nativeVector(url, path, body) {
  const headers = { "content-type": "application/json", "x-api-key": key };
  const reply = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return (await reply.json()).embedding;
}

export function cosine(a, b) {
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** Uses up what RATE_LIMIT grants, so that the next request is answered 429. */
export async function useUp(url) {
  const ask = () => fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  while ((await ask()).status !== 429);
}
