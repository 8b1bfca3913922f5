import { z } from "zod";

/** A model folder's manifest.json holds everything about a model that is not in its graphs. */
export const manifestFile = "manifest.json";

/** The version that is written. Version 1 had none of the keys with a default below, and `logitScale` for `logit`. */
export const formatVersion = 2;
export const readableVersions: readonly number[] = [1, 2];

const fileRecord = z.object({ bytes: z.number().int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

/** Accepts the name of a file in the model folder: a manifest from elsewhere must not lead out of it. */
const fileName = z.string().regex(/^[\w-][\w.-]*$/, "expected the name of a file in the folder");

/** Bounds the sum of two int8 weights whose products a processor may add first; older folders do not tell it. */
const largestPair = z.number().int().positive();

/** Holds cosines of int8 or fp16 vectors with those of fp32, which `build` measures on held-out inputs. */
export const fidelity = z.object({
  samples: z.number().int(),
  mean: z.number(),
  min: z.number(),
  p01: z.number(),
  p05: z.number(),
  p50: z.number(),
});

const precision = z.enum(["fp32", "fp16", "int8"]);

/**
 * Says how a checkpoint turns the cosines of pairs into probabilities. `scale` is the logarithm that the checkpoint has
 * learned: softmax(exp(scale) * cosine) over the candidates, or sigmoid(exp(scale) * cosine + bias) for each pair
 * alone.
 */
const logit = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("softmax"), scale: z.number() }),
  z.object({ kind: z.literal("sigmoid"), scale: z.number(), bias: z.number() }),
]);

/** Says how a picture becomes a square: its shortest side is resized and the rest cropped, or all is squashed. */
const fit = z.enum(["cover", "squash"]);
const resample = z.enum(["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]);
const rgb = z.tuple([z.number(), z.number(), z.number()]);

const source = z.object({
  /** Repository and commit on the Hub, if the checkpoint came from there. */
  repository: z.string().optional(),
  revision: z.string().optional(),
  /** Checkpoint files read, by path inside the checkpoint. */
  files: z.record(z.string(), fileRecord),
});

const towerKeys = { graph: fileName, precision, fidelity: fidelity.optional(), largestPair: largestPair.optional() };

const manifestKeys = z.object({
  formatVersion: z.number().int(),
  name: z.string().min(1),
  /** Length of a vector, the same for both towers. */
  dimensions: z.number().int().positive(),
  /** Says how cosines become probabilities; null where the checkpoint has not learned it. */
  logit: logit.nullable(),
  image: z.object({
    architecture: z.string().default("clip-vision"),
    ...towerKeys,
    /** Side of the square the graph takes, in pixels. */
    size: z.number().int().positive(),
    /** The shortest side is resized to this before the centre crop; with "squash" it is `size`. */
    resize: z.number().int().positive(),
    fit: fit.default("cover"),
    resample: resample.default("bicubic"),
    /** For information only: both are folded into the graph. */
    mean: rgb,
    std: rgb,
    /** RGB put behind transparent images; null drops alpha as the reference does. */
    background: rgb.nullable(),
  }),
  text: z.object({
    architecture: z.string().default("distilbert"),
    ...towerKeys,
    tokenizer: fileName,
    /** Longest sequence of tokens, special ones included. */
    maxTokens: z.number().int().positive(),
    padId: z.number().int().nonnegative(),
    /** Every text is padded to this length; "batch" means that of the longest in its batch. */
    padding: z.union([z.literal("batch"), z.number().int().positive()]).default("batch"),
    paddingSide: z.enum(["right", "left"]).default("right"),
  }),
  sources: z.object({ image: source, text: source }),
  /** All other files of the folder are listed. */
  files: z.record(fileName, fileRecord),
  builtBy: z.string(),
});

export const manifestSchema = z.preprocess(withLogit, manifestKeys);

/** A folder of version 1 has a `logitScale`, which is always that of a softmax. */
function withLogit(manifest: unknown): unknown {
  const scale = z.object({ logitScale: z.number().nullable() }).safeParse(manifest).data?.logitScale;
  if (scale === undefined) return manifest;
  return { ...(manifest as object), logit: scale === null ? null : { kind: "softmax", scale } }; // just parsed as one
}

export type Manifest = z.output<typeof manifestSchema>;
export type FileRecord = z.output<typeof fileRecord>;
export type Fidelity = z.output<typeof fidelity>;
export type Precision = z.output<typeof precision>;

/** Holds a model folder that was found and whose manifest was read. */
export interface Model {
  directory: string;
  manifest: Manifest;
}
