import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

// Asks a service on this machine's port 5555 for what every container must give, and exits with 1 if it does not.
const picture = await readFile(new URL("../test/fixtures/golden/images/photo.jpg", import.meta.url));
const json = (body) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

async function ask(path, init) {
  const response = await fetch(`http://127.0.0.1:5555${path}`, init);
  return { status: response.status, body: await response.json() };
}

async function untilHealthy() {
  for (let tries = 0; tries < 150; tries++) {
    const answer = await ask("/health").catch(() => undefined);
    if (answer?.status === 200) return answer;
    await sleep(200);
  }
  throw new Error("GET /health was not 200 within 30 seconds");
}

const health = await untilHealthy();
console.log("GET /health:", health.status, JSON.stringify(health.body));
const answers = [
  ["POST /encode_text", await ask("/encode_text", json({ text: "a red bicycle" }))],
  ["POST /encode_image", await ask("/encode_image", json({ image_b64: picture.toString("base64") }))],
];
for (const [name, { status, body }] of answers) {
  const length = Math.hypot(...(body.embedding ?? []));
  console.log(`${name}:`, status, `${body.embedding?.length} numbers of length ${length.toFixed(6)}`);
  if (status !== 200 || body.embedding.length !== body.dimensions || Math.abs(length - 1) > 1e-5) process.exit(1);
}
