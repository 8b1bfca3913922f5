/** The client of bench:stages runs in a thread of its own, since its work must not count as the service's. */
import { once } from "node:events";
import { parentPort } from "node:worker_threads";

for (;;) {
  const [{ url, body }] = await once(parentPort, "message");
  const bytes = Buffer.from(body);
  parentPort.postMessage("ready");
  await once(parentPort, "message");
  const startedAt = performance.now();
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: bytes });
  await response.arrayBuffer();
  const totalMs = performance.now() - startedAt;
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const parts = (response.headers.get("server-timing") ?? "").split(", ");
  const stages = Object.fromEntries(parts.map((part) => part.split(";dur=")).map(([name, ms]) => [name, Number(ms)]));
  parentPort.postMessage({ totalMs, stages });
}
