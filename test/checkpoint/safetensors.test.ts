import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openSafetensors } from "../../src/checkpoint/safetensors.ts";
import { safetensorsBytes, temporaryFolder } from "../support/checkpoints.ts";

async function write(bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), "model.safetensors");
  await writeFile(path, bytes);
  return path;
}

async function read(bytes: Uint8Array, name: string, shape: number[]): Promise<number[]> {
  const tensors = await openSafetensors({ path: await write(bytes), title: "model.safetensors" });
  try {
    return [...(await tensors.weight(name, shape).read())];
  } finally {
    await tensors.close();
  }
}

const f32 = (...offsets: [number, number]) => ({
  dtype: "F32",
  shape: [(offsets[1] - offsets[0]) / 4],
  data_offsets: offsets,
});
const float32 = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const halves = (...values: number[]) => new Uint8Array(Uint16Array.from(values).buffer);

describe("a safetensors file", () => {
  it("gives F32, F16 and BF16 as float32, exactly", async () => {
    const data = Buffer.concat([
      float32(1.5, -2),
      // float16: 1, -2, the smallest subnormal, the largest subnormal, the largest, -0
      halves(0x3c00, 0xc000, 0x0001, 0x03ff, 0x7bff, 0x8000),
      halves(0x3f80, 0xc040, 0x7f7f),
    ]);
    const file = safetensorsBytes(
      {
        __metadata__: { format: "pt" },
        a: f32(0, 8),
        b: { dtype: "F16", shape: [2, 3], data_offsets: [8, 20] },
        c: { dtype: "BF16", shape: [3], data_offsets: [20, 26] },
      },
      data,
    );
    expect(await read(file, "a", [2])).toEqual([1.5, -2]);
    expect(await read(file, "b", [2, 3])).toEqual([1, -2, 2 ** -24, 1023 * 2 ** -24, 65504, -0]);
    expect(await read(file, "c", [3])).toEqual([1, -3, (2 - 2 ** -7) * 2 ** 127]);
  });

  it("may hold tensors of other types beside those that are read", async () => {
    const header = { ids: { dtype: "I64", shape: [1, 1], data_offsets: [0, 8] }, a: f32(8, 12) };
    expect(await read(safetensorsBytes(header, Buffer.concat([new Uint8Array(8), float32(7)])), "a", [1])).toEqual([7]);
  });

  it("may hold a single number and an empty tensor", async () => {
    const header = { scale: { dtype: "F32", shape: [], data_offsets: [0, 4] }, none: f32(0, 0) };
    expect(await read(safetensorsBytes(header, float32(2.5)), "scale", [])).toEqual([2.5]);
  });
});

const eight = float32(1, 2);

/** Each case names the fault, holds the file, and says what the message must contain. */
const lies: [string, Uint8Array, RegExp][] = [
  ["an empty file", new Uint8Array(0), /at least 8 bytes, the file has 0/],
  ["a file that ends in the header's length", new Uint8Array(5), /at least 8 bytes, the file has 5/],
  ["a file that ends in the header", safetensorsBytes({ a: f32(0, 8) }, eight).subarray(0, 20), /header takes \d+ bytes.*truncated/],
  ["a file that is no safetensors file", Buffer.from("PK\u0003\u0004 a zip archive, say"), /not plausible/],
  ["a header larger than the file", Buffer.concat([Buffer.from([255, 255, 0, 0, 0, 0, 0, 0]), Buffer.from("{}")]), /header takes 65535 bytes/],
  ["a header of 2^63 bytes", Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, 128]), Buffer.from("{}")]), /not plausible/],
  ["a header that is not JSON", safetensorsBytes("{not json", eight), /header is not JSON/],
  ["a header that is not UTF-8", safetensorsBytes("", new Uint8Array(0)).fill(255, 8), /header is not JSON/],
  ["a header that is a list", safetensorsBytes("[]", eight), /not a JSON object/],
  ["a header that is null", safetensorsBytes("null", eight), /not a JSON object/],
  ["data that ends too early", safetensorsBytes({ a: f32(0, 8) }, eight.subarray(0, 6)), /ends at byte 8 of 6.*truncated/],
  ["bytes behind the last tensor", safetensorsBytes({ a: f32(0, 8) }, new Uint8Array(12)), /4 bytes behind the last tensor/],
  ["a gap between two tensors", safetensorsBytes({ a: f32(0, 4), b: f32(8, 12) }, new Uint8Array(12)), /4 bytes that belong to no tensor, before b/],
  ["a gap before the first", safetensorsBytes({ a: f32(4, 8) }, eight), /4 bytes that belong to no tensor, before a/],
  ["overlapping tensors", safetensorsBytes({ a: f32(0, 8), b: f32(4, 12) }, new Uint8Array(12)), /b overlaps another/],
  ["two tensors in one place", safetensorsBytes({ a: f32(0, 8), b: f32(0, 8) }, eight), /b overlaps another/],
  ["a shape larger than the range", safetensorsBytes({ a: { dtype: "F32", shape: [3], data_offsets: [0, 8] } }, eight), /takes 12 bytes, its offsets give it 8/],
  ["a shape smaller than the range", safetensorsBytes({ a: { dtype: "F32", shape: [1], data_offsets: [0, 8] } }, eight), /takes 4 bytes, its offsets give it 8/],
  ["a product that overflows", safetensorsBytes({ a: { dtype: "F32", shape: [2 ** 40, 2 ** 40], data_offsets: [0, 8] } }, eight), /its offsets give it 8/],
  ["a range that runs backwards", safetensorsBytes({ a: { dtype: "F32", shape: [0], data_offsets: [8, 0] } }, eight), /its offsets give it -8/],
  ["a negative offset", safetensorsBytes({ a: { dtype: "F32", shape: [2], data_offsets: [-8, 0] } }, eight), /tensor a/],
  ["a fractional shape", safetensorsBytes({ a: { dtype: "F32", shape: [1.5], data_offsets: [0, 6] } }, eight), /tensor a/],
  ["a negative shape", safetensorsBytes({ a: { dtype: "F32", shape: [-1, -2], data_offsets: [0, 8] } }, eight), /tensor a/],
  ["three offsets", safetensorsBytes({ a: { dtype: "F32", shape: [2], data_offsets: [0, 8, 8] } }, eight), /tensor a/],
  ["no shape", safetensorsBytes({ a: { dtype: "F32", data_offsets: [0, 8] } }, eight), /tensor a/],
  ["an unknown dtype", safetensorsBytes({ a: { dtype: "F31", shape: [2], data_offsets: [0, 8] } }, eight), /unknown dtype F31/],
  ["a dtype named like a method", safetensorsBytes({ a: { dtype: "toString", shape: [2], data_offsets: [0, 8] } }, eight), /unknown dtype toString/],
  ["a name that is listed twice", safetensorsBytes('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}', eight), /tensor a is listed twice/],
  ["a name that is listed twice in disguise", safetensorsBytes('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}, "\\u0061" :{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}', eight), /tensor a is listed twice/],
]; // biome-ignore format: a table

describe("a safetensors file is refused, saying why, for", () => {
  it.each(lies)("%s", async (_, bytes, message) => {
    const opened = openSafetensors({
      path: await write(bytes),
      title: "Image checkpoint: 0_CLIPModel/model.safetensors",
    });
    await expect(opened).rejects.toMatchObject({ code: "CHECKPOINT_INVALID", message: expect.stringMatching(message) });
    await expect(opened).rejects.toThrow(/^Image checkpoint: 0_CLIPModel\/model\.safetensors: /);
  });
});

describe("a tensor of bytes", () => {
  const scales = halves(0x3c00, 0x4000); // 1 and 2
  const rows = { dtype: "I8", shape: [2, 2], data_offsets: [4, 8] };
  const bytes = Buffer.concat([scales, Uint8Array.of(1, 256 - 127, 3, 0)]);

  it("is multiplied row by row with the scales beside it", async () => {
    const file = safetensorsBytes({ a_scale: { dtype: "F16", shape: [2], data_offsets: [0, 4] }, a: rows }, bytes);
    expect(await read(file, "a", [2, 2])).toEqual([1, -127, 6, 0]);
  });

  it("is refused without scales, or with those of another number of rows", async () => {
    const others = { dtype: "F16", shape: [2], data_offsets: [0, 4] };
    await expect(read(safetensorsBytes({ b: others, a: rows }, bytes), "a", [2, 2])).rejects.toThrow(/a is I8/);
    const single = { dtype: "F32", shape: [1], data_offsets: [0, 4] };
    await expect(read(safetensorsBytes({ a_scale: single, a: rows }, bytes), "a", [2, 2])).rejects.toThrow(
      /a_scale has shape \[1\], the configuration makes it \[2\]/,
    );
  });
});

describe("a tensor is refused, saying why, when", () => {
  const file = safetensorsBytes(
    { a: f32(0, 8), ids: { dtype: "I64", shape: [1], data_offsets: [8, 16] } },
    new Uint8Array(16),
  );

  it("it is not there", () => expect(read(file, "b", [2])).rejects.toThrow(/there is no tensor b/));
  it("its name is a method's", () =>
    expect(read(file, "toString", [2])).rejects.toThrow(/there is no tensor toString/));
  it("it has another shape", () =>
    expect(read(file, "a", [2, 1])).rejects.toThrow(/a has shape \[2\], the configuration makes it \[2,1\]/));
  it("it is no float", () => expect(read(file, "ids", [1])).rejects.toThrow(/ids is I64; expected F32, F16 or BF16/));

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("it holds %d", async (value) => {
    await expect(read(safetensorsBytes({ a: f32(0, 8) }, float32(1, value)), "a", [2])).rejects.toThrow(
      /NaN or infinity/,
    );
  });

  it("its bytes vanish after the header was read", async () => {
    const path = await write(file);
    const tensors = await openSafetensors({ path, title: "model.safetensors" });
    await writeFile(path, file.subarray(0, file.length - 16));
    await expect(tensors.weight("a", [2]).read()).rejects.toThrow(/became shorter/);
    await tensors.close();
  });
});
