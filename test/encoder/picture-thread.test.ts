import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { createEncoder, type Encoder, type EncoderOptions } from "../../src/encoder/encoder.ts";
import { startEngine } from "../../src/engine/engine.ts";
import { availableCores } from "../../src/host/available-cores.ts";
import { buildTinyModel } from "../support/tiny-model.ts";

let model: string;
beforeAll(async () => {
  model = await buildTinyModel();
});
afterAll(() => rm(dirname(model), { recursive: true }));

/** An engine says that it took so long to prepare a batch of which it declined a picture. */
const lostMs = 60_000;

/** Starts an encoder that keeps count of the pictures that engines got as files. */
async function open(options: EncoderOptions = {}) {
  const files = { given: 0, declined: 0 };
  const batches: number[] = [];
  const counting: typeof startEngine = async (options) => {
    const engine = await startEngine(options);
    return {
      ...engine,
      async run(inputs) {
        files.given += inputs[0]!.unmade?.length ?? 0;
        const result = await engine.run(inputs);
        const declined = result.declined?.length ?? 0;
        files.declined += declined;
        return declined ? { ...result, prepareMs: lostMs } : result;
      },
    };
  };
  const encoder = await createEncoder(
    { model, threads: 1, replicas: availableCores(), ...options },
    { onBatch: (_, { size }) => batches.push(size) },
    { towers: ["image"], startEngine: counting },
  );
  onTestFinished(() => encoder.close({ timeoutMs: 0 }));
  return { encoder, files, batches };
}

const noise = Uint8Array.from({ length: 90 * 60 * 3 }, (_, at) => (at * at * 31) & 255);
const picture = () => sharp(noise, { raw: { width: 90, height: 60, channels: 3 } });
const jpeg = () => picture().jpeg({ quality: 90 }).toBuffer();
/** Holds the same pixels as a JPEG, in a file that only libvips reads. */
const asPng = (file: Buffer) => sharp(file).png().toBuffer();

const vectorOf = async (encoder: Encoder, file: Uint8Array) => (await encoder.encodeImages([file])).embeddings[0]!;

it("decodes a small JPEG beside the graph, to the same bits as a process would", async () => {
  const { encoder, files } = await open();
  const file = await jpeg();
  const asFile = await vectorOf(encoder, file);
  expect(files).toEqual({ given: 1, declined: 0 });
  expect(asFile).toEqual(await vectorOf(encoder, await asPng(file)));
  expect(files.given).toBe(1);
});

it("has the time of it in the timings of the picture", async () => {
  const { encoder } = await open();
  const { timings } = await encoder.encodeImages([await jpeg()]);
  expect(timings.decodeMs).toBeGreaterThan(0);
});

it("takes pictures of both kinds in one request, each to its own vector", async () => {
  const { encoder } = await open();
  const colours = ["red", "green", "navy", "white", "black", "teal"];
  const plain = (background: string) => sharp({ create: { width: 50, height: 40, channels: 3, background } });
  const jpegs = await Promise.all(colours.map((colour) => plain(colour).jpeg().toBuffer()));
  const mixed = await Promise.all(jpegs.map((file, at) => (at % 2 ? file : asPng(file))));
  const { embeddings } = await encoder.encodeImages(mixed);
  for (const [at, file] of jpegs.entries()) expect(embeddings[at]).toEqual(await vectorOf(encoder, file));
  expect(new Set(embeddings.map(String)).size).toBe(colours.length);
});

/** Is a JPEG whose numbers are R, G and B, as it says so late that an engine is given it. */
function oddJpeg(file: Buffer) {
  const scan = file.indexOf(Buffer.from([0xff, 0xda]));
  return Buffer.concat([file.subarray(0, scan), adobe(0), file.subarray(scan)]);
}

it("leaves what an engine declines to a process, and the pictures beside it alone", async () => {
  const { encoder, files, batches } = await open();
  const file = await jpeg();
  const rotten = file.subarray(0, file.length - 400);
  const odd = oddJpeg(file);
  const all = await encoder.encodeImages([rotten, file, odd], { onError: "return" });
  expect(files).toEqual({ given: 3, declined: 2 });
  expect(all.errors).toMatchObject([{ code: "IMAGE_UNREADABLE", index: 0 }]);
  expect(batches.reduce((sum, size) => sum + size)).toBe(2);
  expect(all.embeddings[1]).toEqual(await vectorOf(encoder, file));
  expect(all.embeddings[2]).toEqual(await vectorOf(encoder, await asPng(odd)));
  expect(all.embeddings[2]).not.toEqual(all.embeddings[1]);
});

it("computes nothing for a picture that it declines", async () => {
  const { encoder, files, batches } = await open();
  const file = await jpeg();
  await expect(vectorOf(encoder, file.subarray(0, file.length - 400))).rejects.toMatchObject({
    code: "IMAGE_UNREADABLE",
  });
  expect({ files, batches }).toEqual({ files: { given: 1, declined: 1 }, batches: [] });
});

it("counts the time that a picture lost with the engine that declined it", async () => {
  const { encoder } = await open();
  const { timings } = await encoder.encodeImages([oddJpeg(await jpeg())]);
  expect(timings.decodeMs).toBeGreaterThan(lostMs);
});

it("leaves small JPEGs to processes where engines leave them a core", async () => {
  const { encoder, files } = await open({ replicas: 1 });
  await vectorOf(encoder, await jpeg());
  expect(files.given).toBe(availableCores() === 1 ? 1 : 0);
});

it("has damaged pictures for whoever wants what there is of them", async () => {
  const { encoder, files } = await open({ lenientImages: true });
  const file = await jpeg();
  const { incomplete } = await encoder.encodeImages([file.subarray(0, file.length - 400), file]);
  expect(incomplete).toBe(1);
  expect(files.declined).toBe(1);
});

it("refuses what is larger than the limits, whoever would decode it", async () => {
  const file = await jpeg();
  expect(file.length).toBeGreaterThan(1025);
  const { encoder: ofBytes } = await open({ maxImageBytes: file.length - 1 });
  await expect(vectorOf(ofBytes, file)).rejects.toMatchObject({ code: "IMAGE_TOO_LARGE" });
  const { encoder: ofPixels } = await open({ maxImagePixels: 90 * 60 - 1 });
  await expect(vectorOf(ofPixels, file)).rejects.toMatchObject({ code: "IMAGE_TOO_LARGE" });
});

/** Is the segment by which programs of Adobe say what the components are. */
function adobe(transform: number): Buffer {
  return Buffer.concat([
    Buffer.from([0xff, 0xee, 0, 14]),
    Buffer.from("Adobe"),
    Buffer.from([0, 100, 0, 0, 0, 0, transform]),
  ]);
}
