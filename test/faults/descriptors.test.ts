import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { decoderPids } from "../support/decoder-pids.ts";
import { pixelPng } from "../support/pixel.ts";
import { startCli } from "../support/run-cli.ts";

/** The limit is high enough to start, since many files are open while modules are loaded. */
const limit = 256;

describe("a service that has no file descriptors left", () => {
  it("answers or refuses, and answers again when connections have gone", async () => {
    const args = ["serve", "--port", "0", "--host", "127.0.0.1", "--decode-processes", "1"];
    const { says, child, ended } = startCli(args, { LOG_LEVEL: "info" }, `ulimit -n ${limit}`);
    const port = Number(/\d+$/.exec(await says(/http:\/\/127\.0\.0\.1:\d+/))![0]);
    const post = (path: string, type: string, body: string | Uint8Array<ArrayBuffer>) =>
      fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", headers: { "content-type": type }, body }).then(
        (reply) => reply.status,
        () => "refused",
      );
    const text = () => post("/encode_text", "application/json", '{"text": "a"}');
    const image = () => post("/encode_image", "image/png", Uint8Array.from(pixelPng));
    expect([await text(), await image()]).toEqual([200, 200]);

    const sockets: Socket[] = [];
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    let closedByService = 0;
    for (let i = 0; i < limit; i++) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {}); // the "close" event follows
      socket.on("close", () => closedByService++);
      sockets.push(socket);
    }
    await Promise.all(sockets.map((socket) => (socket.connecting ? once(socket, "connect") : undefined)));
    for (const pid of decoderPids(child.pid)) process.kill(pid, "SIGKILL"); // no other can be started
    await expect.poll(() => closedByService, { timeout: 20_000 }).toBeGreaterThan(0);
    for (const answer of await Promise.all([text(), image(), text(), image()])) {
      expect([200, 429, 503, "refused"]).toContain(answer);
    }

    for (const socket of sockets) socket.destroy();
    await expect.poll(text, { timeout: 20_000 }).toBe(200);
    await expect.poll(image, { timeout: 20_000 }).toBe(200);
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  });
});
