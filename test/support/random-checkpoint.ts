import { cp, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { safetensorsBytes, temporaryFolder } from "./checkpoints.ts";

export interface RandomCheckpoint {
  /** The fixture whose architecture, tokenizer and inputs it has. */
  like: "clip-open" | "siglip";
  layers: number;
  width: number;
  heads: number;
  mlpWidth: number;
  /** Gives what a tensor's random value at an index is multiplied by, or a value in its place. */
  edit?: (name: string, index: number) => { times: number } | { value: number } | undefined;
}

/** Writes a checkpoint with random weights in a size of its own, both towers alike, and gives its folder. */
export async function randomCheckpoint({ like, edit, ...sizes }: RandomCheckpoint): Promise<string> {
  const folder = await temporaryFolder();
  await cp(resolve(import.meta.dirname, "../fixtures/checkpoints", like), folder, { recursive: true });
  const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
  const file = await readFile(join(folder, "model.safetensors"));
  const header: Record<string, { shape: number[] }> = JSON.parse(
    file.subarray(8, 8 + Number(file.readBigUInt64LE())).toString(),
  );
  delete header.__metadata__;

  const random = normalFrom(1);
  const entries: Record<string, object> = {};
  const parts: Buffer[] = [];
  let at = 0;
  const write = (name: string, shape: number[]) => {
    const values = Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, index) => {
      const changed = edit?.(name, index);
      const value = usualValue(name, shape, random());
      return changed === undefined ? value : "value" in changed ? changed.value : value * changed.times;
    });
    entries[name] = { dtype: "F32", shape, data_offsets: [at, at + values.byteLength] };
    at += values.byteLength;
    parts.push(Buffer.from(values.buffer));
  };
  for (const [name, { shape }] of Object.entries(header)) {
    const [, layer] = /layers\.(\d+)\./.exec(name) ?? [];
    if (layer !== undefined && layer !== "0") continue;
    const side = name.startsWith("text") ? config.text_config : config.vision_config;
    const resized = shape.map((size, axis) => {
      if (name.includes("logit") || keepsAxis(name, axis)) return size;
      if (name.startsWith("text_model.head.")) return sizes.width; // SigLIP's two towers meet in the vision tower's width
      if (size === side.hidden_size) return sizes.width;
      if (size === side.hidden_size * 3) return sizes.width * 3;
      return size === side.intermediate_size ? sizes.mlpWidth : size;
    });
    const copies = layer === undefined ? 1 : sizes.layers;
    for (let copy = 0; copy < copies; copy++) write(name.replace("layers.0.", `layers.${copy}.`), resized);
  }
  await writeFile(join(folder, "model.safetensors"), safetensorsBytes(entries, Buffer.concat(parts)));

  const { width, heads, layers, mlpWidth } = sizes;
  const resizedConfig = {
    ...{ hidden_size: width, num_attention_heads: heads },
    ...{ num_hidden_layers: layers, intermediate_size: mlpWidth },
  };
  Object.assign(config.vision_config, resizedConfig);
  Object.assign(config.text_config, resizedConfig, like === "siglip" && { projection_size: width });
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

/** Tells the axes that are no width: words, positions, pixels and the dimensions that the towers share. */
function keepsAxis(name: string, axis: number): boolean {
  if (/(token|position)_embedding/.test(name) || /_projection\./.test(name)) return axis === 0;
  return name.includes("patch_embedding") && axis > 0;
}

/** Gives activations that neither grow nor fade from layer to layer. */
function usualValue(name: string, shape: number[], normal: number): number {
  if (name.includes("logit")) return 2;
  if (/norm\d?\.weight/.test(name)) return 1 + 0.1 * normal;
  if (/(token|position|class)_embedding/.test(name)) return 0.5 * normal;
  const inputs = shape.slice(1).reduce((product, size) => product * size, 1);
  return shape.length > 1 ? normal / Math.sqrt(inputs) : 0.1 * normal;
}

/** Gives numbers of a normal distribution, the same for the same seed. */
function normalFrom(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
