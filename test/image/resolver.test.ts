import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createImageFetcher } from "../../src/image/fetch.ts";
import { createResolver, type ResolverOptions } from "../../src/image/resolver.ts";

const running = new AbortController().signal;

/**
 * Starts a DNS server on loopback: it answers with the addresses of a type ("A" is 1, "AAAA" 28), "unknown", or
 * silence.
 */
async function dns(answer: (type: number) => Buffer[] | "unknown" | "silence", options: ResolverOptions = {}) {
  const socket = createSocket("udp4");
  let questions = 0;
  socket.on("message", (query, { port, address }) => {
    questions++;
    const type = query.readUInt16BE(query.indexOf(0, 12) + 1);
    const found = answer(type);
    if (found === "silence") return;
    const question = query.subarray(12, query.indexOf(0, 12) + 5);
    const records = found === "unknown" ? [] : found;
    const header = Buffer.from([
      ...query.subarray(0, 2),
      0x81,
      found === "unknown" ? 0x83 : 0x80,
      0,
      1,
      0,
      0,
      0,
      0,
      0,
      0,
    ]);
    header.writeUInt16BE(records.length, 6);
    // Each record: the name by reference to the question, type, class IN, 60 s to live, length, address.
    const body = records.map((data) => Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length, ...data]));
    socket.send(Buffer.concat([header, question, ...body]), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  const resolve = createResolver({ servers: [`127.0.0.1:${socket.address().port}`], ...options });
  return { resolve, questions: () => questions };
}

describe("a host name", () => {
  it("has all the addresses that DNS gives, of both families", async () => {
    const { resolve } = await dns((type) =>
      type === 1
        ? [Buffer.from([203, 0, 113, 7]), Buffer.from([203, 0, 113, 8])]
        : [Buffer.from("20010db8000000000000000000000007", "hex")],
    );
    expect(await resolve("images.example.com", running)).toEqual(["203.0.113.7", "203.0.113.8", "2001:db8::7"]);
  });

  it("with addresses of one family only has those", async () => {
    const { resolve } = await dns((type) => (type === 1 ? [Buffer.from([203, 0, 113, 7])] : "unknown"));
    expect(await resolve("images.example.com", running)).toEqual(["203.0.113.7"]);
  });

  it("that DNS does not know is looked up as the system does", async () => {
    const { resolve } = await dns(() => "unknown");
    expect(await resolve("localhost", running)).toContain("127.0.0.1");
  });

  it("is looked up by the system alone, since that may take a thread away from others for long", async () => {
    const begun: { host: string; answer: (addresses: string[]) => void }[] = [];
    const systemLookup = (host: string) => new Promise<string[]>((answer) => begun.push({ host, answer }));
    const { resolve } = await dns(() => "unknown", { systemLookup });
    const first = resolve("first", running);
    await expect.poll(() => begun).toHaveLength(1);
    const caller = new AbortController();
    const gone = resolve("gone", caller.signal);
    const last = resolve("last", running);
    await sleep(50); // time enough for DNS to answer both
    expect(begun).toHaveLength(1);
    caller.abort(new Error("gone"));
    begun[0]!.answer(["203.0.113.7"]);
    expect(await first).toEqual(["203.0.113.7"]);
    await expect(gone).rejects.toThrow("gone");
    await expect.poll(() => begun.map(({ host }) => host)).toEqual(["first", "last"]);
    begun[1]!.answer(["203.0.113.8"]);
    expect(await last).toEqual(["203.0.113.8"]);
  });

  it("whose DNS server hangs ends with the fetch's deadline", async () => {
    const { resolve, questions } = await dns(() => "silence");
    const images = createImageFetcher({ ...settingsWith(serviceSettings, { fetchTimeoutMs: 300 }), resolve });
    await expect(images.fetchImage("http://slow.example.com/")).rejects.toMatchObject({ code: "URL_TIMEOUT" });
    expect(questions()).toBeGreaterThan(0);
  });

  it("that the system's lookup hangs on ends with the fetch's deadline, and so does the next", async () => {
    const { resolve } = await dns(() => "unknown", { systemLookup: () => new Promise(() => {}) });
    const images = createImageFetcher({ ...settingsWith(serviceSettings, { fetchTimeoutMs: 300 }), resolve });
    for (const host of ["slow.example.com", "next.example.com"]) {
      await expect(images.fetchImage(`http://${host}/`)).rejects.toMatchObject({ code: "URL_TIMEOUT" });
    }
  });

  it("is given up when the caller goes away, before DNS would give up after 5 s", { timeout: 4500 }, async () => {
    const { resolve } = await dns(() => "silence");
    const caller = new AbortController();
    const result = resolve("slow.example.com", caller.signal);
    caller.abort(new Error("gone"));
    await expect(result).rejects.toThrow("gone");
  });
});
