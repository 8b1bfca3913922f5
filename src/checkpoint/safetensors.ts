import { isUtf8 } from "node:buffer";
import { type FileHandle, open } from "node:fs/promises";
import { z } from "zod";
import { describeIssues, jsonOf } from "../config/json.ts";
import { EncoderError } from "../errors.ts";
import { float32Of } from "../graph/float16.ts";
import { scaledRows, type Weight } from "../graph/weight.ts";

/**
 * Reads a safetensors file: 8 bytes little-endian header length, a JSON header `{name: {dtype, shape, data_offsets}}`,
 * then the tensors' bytes without gaps (https://github.com/huggingface/safetensors#format). Only the header is read
 * here; a tensor's bytes are read when its weight is.
 */
export interface Safetensors {
  names: ReadonlySet<string>;
  /** @throws EncoderError CHECKPOINT_INVALID when there is no such tensor, or its shape or dtype is another. */
  weight(name: string, shape: readonly number[]): Weight;
  close(): Promise<void>;
}

/** The embedded model keeps some tensors as int8; beside each lies one of this name with a factor for each of its rows. */
const scaleOfRows = "_scale";

/** Shows tensors by other names than those in their file. */
export function renamed(tensors: Safetensors, nameInFile: (name: string) => string): Safetensors {
  return { ...tensors, weight: (name, shape) => tensors.weight(nameInFile(name), shape) };
}

/** Shows tensors by names with a prefix that a model's class leaves away where it is saved alone. */
export function prefixed(tensors: Safetensors, prefix: string): Safetensors {
  if ([...tensors.names].some((name) => name.startsWith(prefix))) return tensors;
  return renamed(tensors, (name) => (name.startsWith(prefix) ? name.slice(prefix.length) : name));
}

/** A header of 10,000 tensors takes about 1 MiB; the 100 MB that the format allows only serve to exhaust memory. */
const maxHeaderBytes = 16 * 1024 * 1024;

const bytesOf = {
  BOOL: 1, U8: 1, I8: 1, F8_E4M3: 1, F8_E5M2: 1, I16: 2, U16: 2, F16: 2, BF16: 2,
  I32: 4, U32: 4, F32: 4, I64: 8, U64: 8, F64: 8,
} as const; // biome-ignore format: a table

type Dtype = keyof typeof bytesOf;

const tensorSchema = z.object({
  dtype: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
});

interface TensorEntry {
  name: string;
  dtype: Dtype;
  shape: number[];
  /** Where the tensor's bytes begin, counted within the data that follows the header. */
  begin: number;
  end: number;
}

/** @param title the name of the file in messages */
export async function openSafetensors({ path, title }: { path: string; title: string }): Promise<Safetensors> {
  const fail = (problem: string) => new EncoderError("CHECKPOINT_INVALID", `${title}: ${problem}.`, { internal: path });
  const handle = await open(path, "r").catch((cause) => {
    const message = `${title}: cannot be opened (${cause.code}).`;
    throw new EncoderError("CHECKPOINT_INVALID", message, { cause, internal: path });
  });
  try {
    const { dataStart, entries } = await readHeader(handle, fail);
    async function valuesOf({ name, begin, end }: TensorEntry, toFloat32: ToFloat32) {
      const bytes = await readExactly(handle, { position: dataStart + begin, length: end - begin });
      if (!bytes) throw fail("the file became shorter while it was read");
      const values = toFloat32(bytes.buffer);
      if (!allFinite(values)) throw fail(`tensor ${name} holds NaN or infinity`);
      return values;
    }
    const tensors: Safetensors = {
      names: new Set(entries.keys()),
      weight(name, shape) {
        const entry = entries.get(name);
        if (!entry) throw fail(`there is no tensor ${name}`);
        if (entry.shape.join() !== shape.join()) {
          throw fail(`tensor ${name} has shape [${entry.shape}], the configuration makes it [${shape}]`);
        }
        if (entry.dtype === "I8" && entries.has(name + scaleOfRows)) {
          const rows = { shape, read: () => valuesOf(entry, (bytes) => Float32Array.from(new Int8Array(bytes))) };
          return scaledRows(rows, tensors.weight(name + scaleOfRows, shape.slice(0, 1)));
        }
        const toFloat32 = converters[entry.dtype];
        if (!toFloat32) throw fail(`tensor ${name} is ${entry.dtype}; expected F32, F16 or BF16`);
        return { shape, read: () => valuesOf(entry, toFloat32) };
      },
      close: () => handle.close(),
    };
    return tensors;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

type Fail = (problem: string) => EncoderError;

async function readHeader(handle: FileHandle, fail: Fail) {
  const { size } = await handle.stat();
  const prefix = await readExactly(handle, { position: 0, length: 8 });
  if (!prefix) throw fail(`expected at least 8 bytes, the file has ${size}`);
  const headerBytes = new DataView(prefix.buffer).getBigUint64(0, true);
  if (headerBytes > maxHeaderBytes)
    throw fail(`a header of ${headerBytes} bytes is not plausible; is this a safetensors file?`);
  const dataStart = 8 + Number(headerBytes);
  const header = await readExactly(handle, { position: 8, length: Number(headerBytes) });
  if (!header) throw fail(`the header takes ${headerBytes} bytes, the file has ${size}: it is truncated`);
  const entries = parseHeader(header, fail);
  checkLayout(entries, { dataBytes: size - dataStart, fail });
  return { dataStart, entries: new Map(entries.map((entry) => [entry.name, entry])) };
}

function parseHeader(header: Uint8Array, fail: Fail): TensorEntry[] {
  const text = new TextDecoder().decode(header);
  const json = isUtf8(header) ? jsonOf(text) : undefined;
  if (json === undefined) throw fail("the header is not JSON");
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw fail("the header is not a JSON object");
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) throw fail(`tensor ${duplicate} is listed twice`);
  return Object.entries(json)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => {
      const parsed = tensorSchema.safeParse(value);
      if (!parsed.success) throw fail(`tensor ${name}: ${describeIssues(parsed.error)}`);
      const { dtype, shape, data_offsets } = parsed.data;
      if (!Object.hasOwn(bytesOf, dtype)) throw fail(`tensor ${name} has the unknown dtype ${dtype}`);
      return { name, dtype: dtype as Dtype, shape, begin: data_offsets[0], end: data_offsets[1] }; // just checked
    });
}

/** Checks that every tensor fills its range and that the ranges cover the data exactly: no overlap, no gap, no rest. */
function checkLayout(entries: TensorEntry[], { dataBytes, fail }: { dataBytes: number; fail: Fail }): void {
  let position = 0;
  for (const { name, dtype, shape, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    const length = shape.reduce((product, size) => product * size, bytesOf[dtype]);
    if (end - begin !== length) {
      throw fail(`tensor ${name}, ${dtype} [${shape}], takes ${length} bytes, its offsets give it ${end - begin}`);
    }
    if (end > dataBytes) {
      const place = `ends at byte ${end} of ${dataBytes} bytes of data`;
      throw fail(`tensor ${name} ${place}: the file is truncated or its header lies`);
    }
    if (begin < position) throw fail(`tensor ${name} overlaps another`);
    if (begin > position) throw fail(`there are ${begin - position} bytes that belong to no tensor, before ${name}`);
    position = end;
  }
  if (position !== dataBytes) throw fail(`there are ${dataBytes - position} bytes behind the last tensor`);
}

/** JSON.parse keeps the last of two equal keys in silence, so keys of the outermost object are compared in the text. */
function duplicateKey(validJson: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (const [token] of validJson.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth === 1 && token.endsWith(":")) {
      const key: string = JSON.parse(token.slice(0, -1));
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

/** Reads `length` bytes, or gives undefined if the file ends first. */
async function readExactly(handle: FileHandle, { position, length }: { position: number; length: number }) {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    // One read takes at most 2 GiB.
    const wanted = Math.min(length - filled, 1 << 30);
    const { bytesRead } = await handle.read(bytes, filled, wanted, position + filled);
    if (bytesRead === 0) return undefined;
    filled += bytesRead;
  }
  return bytes;
}

type ToFloat32 = (bytes: ArrayBuffer) => Float32Array<ArrayBuffer>;

const converters: Partial<Record<Dtype, ToFloat32>> = {
  F32: (bytes) => new Float32Array(bytes),
  F16: (bytes) => float32Of(new Uint16Array(bytes)),
  BF16: (bytes) => fromBfloat16(new Uint16Array(bytes)),
};

/** bfloat16 is the upper half of a float32. */
function fromBfloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** Zero times a finite number is zero; times NaN or infinity it is NaN, which stays. */
function allFinite(values: Float32Array): boolean {
  let probe = 0;
  for (let i = 0; i < values.length; i++) probe += values[i]! * 0;
  return probe === 0;
}
