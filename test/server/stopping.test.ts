import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import { describe, expect, it, onTestFinished } from "vitest";
import { testApp } from "../support/test-app.ts";

async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => app.close());
  return (app.server.address() as AddressInfo).port; // of a TCP server
}

describe("stopping", () => {
  it("answers what is in flight, then closes its connection, and takes no new one", async () => {
    const { app, encoder } = testApp();
    const port = await listen(app);
    let release = () => {};
    encoder.hold = new Promise((resolve) => {
      release = resolve;
    });
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: '{"text": "a"}' };
    const idle = await fetch(`http://127.0.0.1:${port}/health/live`); // leaves a kept-alive connection
    expect(idle.status).toBe(200);
    const inFlight = fetch(`http://127.0.0.1:${port}/encode_text`, init);
    await once(app.server, "request");
    const closed = app.close();
    await new Promise((resolve) => setImmediate(resolve));
    release();
    const reply = await inFlight;
    expect(reply.status).toBe(200);
    expect(reply.headers.get("connection")).toBe("close");
    expect(await reply.json()).toMatchObject({ success: true, dimensions: 512 });
    await closed;
    await expect(fetch(`http://127.0.0.1:${port}/health/live`)).rejects.toThrow();
  });
});
