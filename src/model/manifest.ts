import { z } from "zod";

/** A model folder's manifest.json: everything about a model that is not in its graphs. */
export const manifestFile = "manifest.json";
export const formatVersion = 1;

const fileRecord = z.object({ bytes: z.number().int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

/** The name of a file in the model folder: a manifest from elsewhere must not lead out of it. */
const fileName = z.string().regex(/^[\w-][\w.-]*$/, "expected the name of a file in the folder");

/** Cosine of int8 against fp32 vectors on held-out inputs, measured by `build`. */
const fidelity = z.object({
  samples: z.number().int(),
  mean: z.number(),
  min: z.number(),
  p01: z.number(),
  p05: z.number(),
  p50: z.number(),
});

const precision = z.enum(["fp32", "int8"]);

const source = z.object({
  /** Hub repository and commit, where the checkpoint came from one. */
  repository: z.string().optional(),
  revision: z.string().optional(),
  /** Checkpoint files read, by path inside the checkpoint. */
  files: z.record(z.string(), fileRecord),
});

export const manifestSchema = z.object({
  formatVersion: z.literal(formatVersion),
  name: z.string().min(1),
  /** Length of a vector, the same for both towers. */
  dimensions: z.number().int().positive(),
  /** The checkpoint's learned temperature: softmax(exp(logitScale) * cosine). Null where it has none. */
  logitScale: z.number().nullable(),
  image: z.object({
    graph: fileName,
    precision,
    /** Side of the square the graph takes, in pixels. */
    size: z.number().int().positive(),
    /** What the shortest side is resized to before the centre crop. */
    resize: z.number().int().positive(),
    /** Already folded into the graph; here for information. */
    mean: z.tuple([z.number(), z.number(), z.number()]),
    std: z.tuple([z.number(), z.number(), z.number()]),
    /** RGB put behind transparent images; null drops alpha as the reference does. */
    background: z.tuple([z.number(), z.number(), z.number()]).nullable(),
    fidelity: fidelity.optional(),
  }),
  text: z.object({
    graph: fileName,
    tokenizer: fileName,
    precision,
    /** Longest token sequence, special tokens included. */
    maxTokens: z.number().int().positive(),
    padId: z.number().int().nonnegative(),
    fidelity: fidelity.optional(),
  }),
  sources: z.object({ image: source, text: source }),
  /** Every other file of the folder. */
  files: z.record(fileName, fileRecord),
  /** Version of this package that built the folder. */
  builtBy: z.string(),
});

export type Manifest = z.output<typeof manifestSchema>;
export type FileRecord = z.output<typeof fileRecord>;
export type Fidelity = z.output<typeof fidelity>;
export type Precision = z.output<typeof precision>;

/** A model folder that was found and whose manifest was read. */
export interface Model {
  directory: string;
  manifest: Manifest;
}
