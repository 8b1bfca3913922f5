import { mkdir, open, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { normals } from "./random.ts";

/** Random weights of the production sizes, shaped as trained ones are: make-full-size-pair.ts says how and why. */

export interface TensorPlan {
  name: string;
  shape: number[];
  fill(random: Normals): Float32Array;
}

/** Draws the normal numbers of one tensor. They come from its name, so a tensor does not depend on those before it. */
type Normals = ReturnType<typeof normals>;

/** Channels of the residual stream that tower over the others, and how far. */
const outliers = new Map([
  [92, 60],
  [133, -80],
  [323, 45],
  [501, -70],
]);

/**
 * Plans a pre-LN transformer as CLIP names it. Outlier channels are written by layer 1, outlier tokens by layers 2 and
 * 5.
 */
export function clipTower(
  tower: string,
  { width, hidden, layers }: { width: number; hidden: number; layers: number },
): TensorPlan[] {
  return Array.from({ length: layers }, (_, index) => {
    const layer = `${tower}.encoder.layers.${index}`;
    return [
      ...["q_proj", "k_proj"].flatMap((name) => linear(`${layer}.self_attn.${name}`, [width, width], 0.05)),
      ...linear(`${layer}.self_attn.v_proj`, [width, width], 0.03),
      ...linear(`${layer}.self_attn.out_proj`, [width, width], 0.03),
      ...layerNorm(`${layer}.layer_norm1`, width),
      ...layerNorm(`${layer}.layer_norm2`, width),
      ...feedForward(layer, {
        names: ["mlp.fc1", "mlp.fc2"],
        width,
        hidden,
        channels: index === 1,
        tokens: index === 2 || index === 5,
      }),
    ];
  }).flat();
}

interface FeedForward {
  names: [string, string];
  width: number;
  hidden: number;
  /** True if the second product's bias writes the outlier channels into every token. */
  channels: boolean;
  /** True if a few hidden units that rarely fire write them into some tokens. */
  tokens: boolean;
}

export function feedForward(layer: string, { names, width, hidden, channels, tokens }: FeedForward): TensorPlan[] {
  const [first, second] = names;
  const rareUnits = [17, 401, 1203];
  return [
    {
      name: `${layer}.${first}.weight`,
      shape: [hidden, width],
      fill(random) {
        const weights = rows(random, [hidden, width], 0.04);
        for (const unit of rareUnits) for (let k = 0; k < width; k++) weights[unit * width + k]! *= 4;
        return weights;
      },
    },
    {
      name: `${layer}.${first}.bias`,
      shape: [hidden],
      fill(random) {
        const bias = random(hidden, 0.3);
        for (const unit of rareUnits) bias[unit] = -9;
        return bias;
      },
    },
    {
      name: `${layer}.${second}.weight`,
      shape: [width, hidden],
      fill(random) {
        const weights = rows(random, [width, hidden], 0.02);
        if (tokens)
          for (const [channel, size] of outliers)
            for (const unit of rareUnits) weights[channel * hidden + unit] = size / 4;
        return weights;
      },
    },
    {
      name: `${layer}.${second}.bias`,
      shape: [width],
      fill(random) {
        const bias = random(width, 0.1);
        if (channels) for (const [channel, size] of outliers) bias[channel] = size;
        return bias;
      },
    },
  ];
}

export function layerNorm(name: string, width: number, { gammaOfOutliers = 1, betaOfOutliers = 0 } = {}): TensorPlan[] {
  return [
    {
      name: `${name}.weight`,
      shape: [width],
      fill(random) {
        const gamma = random(width, 0.2).map(Math.exp);
        for (const channel of outliers.keys()) gamma[channel]! *= gammaOfOutliers;
        return gamma;
      },
    },
    {
      name: `${name}.bias`,
      shape: [width],
      fill(random) {
        const beta = random(width, 0.1);
        for (const [channel, size] of outliers) beta[channel]! += size * betaOfOutliers;
        return beta;
      },
    },
  ];
}

export function linear(name: string, shape: [number, number], deviation: number): TensorPlan[] {
  return [
    { name: `${name}.weight`, shape, fill: (random) => rows(random, shape, deviation) },
    normal(`${name}.bias`, [shape[0]], 0.1),
  ];
}

/** Makes normal weights whose rows (output channels) differ in norm. */
function rows(random: Normals, [count, width]: [number, number], deviation: number): Float32Array {
  const weights = random(count * width, deviation);
  const norms = random(count, 0.4).map(Math.exp);
  for (let row = 0; row < count; row++) for (let k = 0; k < width; k++) weights[row * width + k]! *= norms[row]!;
  return weights;
}

export function normal(name: string, shape: number[], deviation: number): TensorPlan {
  return { name, shape, fill: (random) => random(elements(shape), deviation) };
}

export function scalar(name: string, value: number): TensorPlan {
  return { name, shape: [], fill: () => Float32Array.of(value) };
}

const elements = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** Writes a safetensors file (header length, header, tensors) with one tensor in memory at a time. */
export async function writeSafetensors(path: string, tensors: TensorPlan[]) {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let offset = 0;
  for (const { name, shape } of tensors) {
    const end = offset + 4 * elements(shape);
    header[name] = { dtype: "F32", shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "w");
  await file.write(length);
  await file.write(padded);
  for (const { name, fill } of tensors) await file.write(new Uint8Array(fill(normals(name)).buffer));
  await file.close();
}

export async function writeJson(path: string, content: unknown) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(content)}\n`);
}
