import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { afterEach, describe, expect, it, vi } from "vitest";
import { serviceSettings } from "../../src/config/service.ts";
import { settingsWith } from "../../src/config/setting.ts";
import { createDecoder, type Decoder, type DecoderOptions } from "../../src/image/decoder.ts";
import { createPreprocessor } from "../../src/image/preprocess.ts";
import { decoderPids, isAlive, residentBytes } from "../support/decoder-pids.ts";

const folder = resolve(import.meta.dirname, "../fixtures/images");
const read = (file: string) => readFileSync(join(folder, file));
const spec = { size: 32, resize: 32, background: null };
const good = read("icc.jpg");

let decoder: Decoder;
function open(options: Partial<DecoderOptions> = {}): Decoder {
  decoder = createDecoder({ ...settingsWith(serviceSettings), decodeProcesses: 1, spec, ...options });
  return decoder;
}
afterEach(() => decoder.close());

/** With its process ready and stopped, whatever is asked of the decoder next stays undone until "SIGCONT". */
async function openStopped(options: Partial<DecoderOptions> = {}): Promise<number> {
  await open(options).decode(good);
  const [pid] = decoderPids();
  process.kill(pid!, "SIGSTOP");
  return pid!;
}

/** Makes a picture of one colour, as PNG. */
function blank(width: number, height: number): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: "navy" } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

describe("the decoder", () => {
  it("gives every image its own pixels when many are decoded at once", async () => {
    open({ decodeProcesses: 2 });
    const files = ["icc.jpg", "rgba.png", "lossy.webp", "plain.gif", "bits-24.bmp", "lzw.tif", "cmyk.jpg"];
    const small = Array.from({ length: 4 }, () => files)
      .flat()
      .map(read);
    const plane = { width: 5000, height: 5000, channels: 3, background: "teal" } as const;
    const slow = await sharp({ create: plane }).png().toBuffer(); // others do not wait for it, but start a process
    const images = [slow, ...small];
    const preprocess = createPreprocessor(spec, settingsWith(serviceSettings));
    const expected = await Promise.all(images.map(preprocess));
    const got = await Promise.all(images.map((image) => decoder.decode(image)));
    expect(got.map(({ data }) => Buffer.from(data))).toEqual(expected.map(({ data }) => Buffer.from(data)));
    expect(decoderPids()).toHaveLength(2);
  });

  it("expects the share of images that it has decoded lately, and not those that it leaves to engines", async () => {
    open({ leavesSmallJpegs: true });
    const [png, jpeg] = [await blank(2000, 2000), read("icc.jpg")];
    const decodes = async (file: Uint8Array) => decoder.leavesToEngine(file) || decoder.decode(file);
    for (let i = 0; i < 10; i++) await decodes(png);
    const before = decoder.msFor(100);
    for (let i = 0; i < 30; i++) expect(await decodes(jpeg)).toBe(true);
    expect(decoder.msFor(100)).toBeLessThan(before / 100);
    for (let i = 0; i < 20; i++) await decodes(png);
    expect(decoder.msFor(100)).toBeGreaterThan(before / 10);
  });

  it("expects to decode what it leaves to engines where they decline that", async () => {
    open({ leavesSmallJpegs: true });
    const jpeg = read("icc.jpg");
    await decoder.decode(jpeg);
    for (let i = 0; i < 30; i++) decoder.leavesToEngine(jpeg);
    const left = decoder.msFor(1e6);
    for (let i = 0; i < 10; i++) {
      decoder.leavesToEngine(jpeg);
      await decoder.decode(jpeg, { isDeclined: true });
    }
    expect(decoder.msFor(1e6)).toBeGreaterThan(100 * left);
  });

  it("hands an image of several megabytes over whole", async () => {
    open();
    const noise = Buffer.from(
      Uint8Array.from({ length: 1300 * 1300 * 3 }, (_, at) => ((at * 2654435761) >>> 24) & 255),
    );
    const large = await sharp(noise, { raw: { width: 1300, height: 1300, channels: 3 } })
      .png({ compressionLevel: 0 })
      .toBuffer();
    expect(large.length).toBeGreaterThan(4 * 1024 * 1024);
    const expected = await createPreprocessor(spec, settingsWith(serviceSettings))(large);
    expect((await decoder.decode(large)).data).toEqual(new Uint8Array(expected.data));
    expect((await decoder.decode(good)).data).toHaveLength(32 * 32 * 3);
  });

  it("takes 0 processes for one per core, as the setting's help says", async () => {
    open({ decodeProcesses: 0 });
    expect((await decoder.decode(good)).data).toHaveLength(32 * 32 * 3);
  });

  it("fails a corrupt image alone", async () => {
    open();
    const results = await Promise.allSettled([
      decoder.decode(good),
      decoder.decode(good.subarray(0, good.length / 2)),
      decoder.decode(Buffer.from("not an image")),
      decoder.decode(good),
    ]);
    expect(results.map((it) => (it.status === "fulfilled" ? "pixels" : it.reason.code))).toEqual([
      "pixels",
      "IMAGE_UNREADABLE",
      "IMAGE_UNSUPPORTED",
      "pixels",
    ]);
  });

  it("refuses an image of too many bytes, or of too many pixels by its header", async () => {
    open({ maxImageBytes: good.length, maxImagePixels: 52 * 40 });
    await expect(decoder.decode(good)).resolves.toBeDefined();
    await expect(decoder.decode(Buffer.concat([good, Buffer.alloc(1)]))).rejects.toMatchObject({
      code: "IMAGE_TOO_LARGE",
      message: `Expected at most ${good.length} bytes, received ${good.length + 1}.`,
    });
    const wide = await blank(2081, 1);
    await expect(decoder.decode(wide)).rejects.toMatchObject({
      code: "IMAGE_TOO_LARGE",
      message: "Expected at most 2080 pixels, received 2081 x 1.",
    });
  });

  it("refuses an image that takes more memory than allowed, and goes on", async () => {
    open({ maxDecoderBytes: 128 * 1024 * 1024 });
    await expect(decoder.decode(await blank(8000, 8000))).rejects.toMatchObject({ code: "IMAGE_TOO_LARGE" });
    await expect(decoder.decode(good)).resolves.toBeDefined();
  });

  it("decodes once more what was in a killed process", async () => {
    const pid = await openStopped();
    const images = [decoder.decode(good), decoder.decode(good), decoder.decode(good)];
    process.kill(pid, "SIGKILL");
    await expect(Promise.all(images)).resolves.toHaveLength(3);
    expect(decoderPids()).not.toContain(pid);
  });

  it.each([
    ["crashed", "SIGSEGV", { code: "IMAGE_UNREADABLE" }],
    [
      "were killed, as the kernel does when memory runs out",
      "SIGKILL",
      { code: "DECODER_FAILED", retryAfterSeconds: 5 },
    ],
  ] as const)("gives up an image over which two processes %s, and no other", async (_how, signal, error) => {
    const slow = await blank(8000, 8000);
    const first = await openStopped({ decodeTimeoutMs: 60_000 });
    const poison = expect(decoder.decode(slow)).rejects.toMatchObject(error);
    const other = decoder.decode(good);
    process.kill(first, signal);
    process.kill(first, "SIGCONT"); // what is stopped hears no other signal but SIGKILL
    const holdsPicture = (pid: number) => pid !== first && residentBytes(pid) > 8000 * 8000 * 2;
    await vi.waitUntil(() => decoderPids().some(holdsPicture), { interval: 1, timeout: 20_000 });
    for (const pid of decoderPids()) process.kill(pid, signal);
    await poison;
    await expect(other).resolves.toBeDefined();
  });

  it("tells why its processes ended, and not of those it was told to end", async () => {
    const ends: string[] = [];
    await openStopped({
      decodeTimeoutMs: 3000,
      maxDecoderBytes: 128 * 1024 * 1024,
      onEnd: (why) => ends.push(why),
    });
    await expect(decoder.decode(good)).rejects.toMatchObject({ code: "DECODER_FAILED" });
    await decoder.decode(good);
    process.kill(decoderPids()[0]!, "SIGKILL");
    await decoder.decode(good);
    process.kill(decoderPids()[0]!, "SIGABRT");
    await decoder.decode(good);
    await expect(decoder.decode(await blank(8000, 8000))).rejects.toMatchObject({ code: "IMAGE_TOO_LARGE" });
    await decoder.decode(good);
    await decoder.close();
    expect(ends).toEqual(["hung", "killed", "crashed", "grown"]);
  });

  it("survives the death of an idle process", async () => {
    await open().decode(good);
    for (const pid of decoderPids()) process.kill(pid, "SIGKILL");
    await expect(decoder.decode(good)).resolves.toBeDefined();
  });

  it("kills a process that the machine kept waiting, says that its image may be tried again, and decodes what waited", async () => {
    const pid = await openStopped({ decodeTimeoutMs: 3000 });
    const hanging = decoder.decode(good);
    const waiting = decoder.decode(good);
    await expect(hanging).rejects.toMatchObject({ code: "DECODER_FAILED", status: 503, retryAfterSeconds: 5 });
    await expect(waiting).resolves.toBeDefined();
    expect(isAlive(pid)).toBe(false);
  });

  it("gives up an image that keeps its process busy for too long", async () => {
    await openStopped({ decodeTimeoutMs: 1000, coreMsOf: () => Number.POSITIVE_INFINITY });
    await expect(decoder.decode(good)).rejects.toMatchObject({ code: "IMAGE_DECODE_TIMEOUT", status: 422 });
  });

  it("decodes first what is due first, and in order what is due at the same time", async () => {
    const pid = await openStopped();
    const done: string[] = [];
    const decode = (name: string, dueAt: number) => decoder.decode(good, { dueAt }).then(() => done.push(name));
    const all = [decode("running", 9), decode("late", 3), decode("early", 1), decode("also early", 1)];
    process.kill(pid, "SIGCONT");
    await Promise.all(all);
    expect(done).toEqual(["running", "early", "also early", "late"]);
  });

  it("tells how long what waits and more will take, once it has decoded something", async () => {
    open();
    expect(decoder.msFor(10)).toBe(0);
    await decoder.decode(good);
    const one = decoder.msFor(1);
    expect(one).toBeGreaterThan(0);
    expect(decoder.msFor(10)).toBeCloseTo(10 * one);
    const [pid] = decoderPids();
    process.kill(pid!, "SIGSTOP");
    const images = [decoder.decode(good), decoder.decode(good), decoder.decode(good)]; // two of them wait
    expect(decoder.msFor(1)).toBeCloseTo(3 * one);
    process.kill(pid!, "SIGCONT");
    await Promise.all(images);
  });

  it("drops waiting images that are aborted, and lets a running one end unobserved", async () => {
    const pid = await openStopped();
    const aborts = [new AbortController(), new AbortController()];
    const [running, waiting] = aborts.map(({ signal }) => decoder.decode(good, { signal }));
    const last = decoder.decode(good);
    for (const abort of aborts) abort.abort(new Error("the client went away"));
    await expect(running).rejects.toThrow("the client went away");
    await expect(waiting).rejects.toThrow("the client went away");
    process.kill(pid, "SIGCONT");
    await expect(last).resolves.toBeDefined();
    expect(decoderPids()).toEqual([pid]);
  });

  it("answers what waits when it is closed, and leaves no process behind", async () => {
    const pid = await openStopped();
    const images = [decoder.decode(good), decoder.decode(good)];
    const closed = decoder.close();
    for (const image of images) await expect(image).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
    await closed;
    expect(isAlive(pid)).toBe(false);
    await expect(decoder.decode(good)).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
  });

  it("lets pictures of a batch give way to single ones, in processes of their own", async () => {
    await open().decode(good);
    await decoder.decode(good, { isOneOfMany: true });
    await decoder.decode(good);
    const usual = getPriority();
    expect(decoderPids().map((pid) => getPriority(pid))).toEqual([usual, Math.min(19, usual + 10)]);
  });

  it("keeps its processes through signals that the whole group gets", async () => {
    await open().decode(good);
    const pids = decoderPids();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(pids[0]!, signal);
    await expect(decoder.decode(good)).resolves.toBeDefined();
    expect(decoderPids()).toEqual(pids);
  });

  it("hands neither the environment nor other settings to its processes", async () => {
    process.env.API_KEYS = "marked-secret";
    const everything = { ...settingsWith(serviceSettings), decodeProcesses: 1, apiKeys: ["marked-secret"] };
    await open(everything).decode(good);
    delete process.env.API_KEYS;
    const [pid] = decoderPids();
    for (const file of ["environ", "cmdline"]) {
      expect(readFileSync(`/proc/${pid}/${file}`, "utf8")).not.toContain("marked-secret");
    }
  });
});

describe("a program with a decoder", () => {
  /** Decodes one image, and tells its decoders' process ids. */
  function startProgram(then: string) {
    const source = `
      import { readFileSync } from "node:fs";
      const { createDecoder } = await import(${JSON.stringify(new URL("../../src/image/decoder.ts", import.meta.url))});
      const { decodeSettings } = await import(${JSON.stringify(new URL("../../src/config/encoder.ts", import.meta.url))});
      const { settingsWith } = await import(${JSON.stringify(new URL("../../src/config/setting.ts", import.meta.url))});
      const decoder = createDecoder({ ...settingsWith(decodeSettings), decodeProcesses: 1, spec: ${JSON.stringify(spec)} });
      await decoder.decode(readFileSync(${JSON.stringify(join(folder, "icc.jpg"))}));
      console.log("decoded");
      ${then}`;
    return spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", source], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  it("ends when it has nothing more to do, although the decoder is open", async () => {
    open();
    const program = startProgram("");
    await once(program.stdout, "data");
    const [pid] = decoderPids(program.pid);
    expect(await once(program, "exit")).toEqual([0, null]);
    await vi.waitUntil(() => !isAlive(pid!));
  });

  it("takes its decoders along when it is killed", async () => {
    open();
    const program = startProgram("setInterval(() => {}, 1000);");
    await once(program.stdout, "data");
    const pids = decoderPids(program.pid);
    expect(pids).toHaveLength(1);
    program.kill("SIGKILL");
    await vi.waitUntil(() => !isAlive(pids[0]!));
  });
});
