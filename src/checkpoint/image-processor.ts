import { z } from "zod";
import type { Manifest } from "../model/manifest.ts";
import type { CheckpointFolder } from "./folder.ts";
import { exactly, only, size } from "./transformers-config.ts";

/** Says how a picture becomes the tower's input; the manifest explains the keys. */
export type ImageProcessor = Pick<
  Manifest["image"],
  "fit" | "size" | "resize" | "resample" | "mean" | "std" | "background"
>;

/** Says what transformers' class of this name does where the file is silent. */
export interface ProcessorDefaults {
  /** What the class's name begins with. */
  kind: string;
  size: { shortest_edge: number } | { height: number; width: number };
  centreCrop: boolean;
  mean: [number, number, number];
  std: [number, number, number];
}

/**
 * Reads what sentence-transformers before 6 writes to preprocessor_config.json, and later versions to
 * processor_config.json, which wins where both are there, as in transformers 5.
 * @param imageSize is the side of the square that the tower takes
 * @throws EncoderError CHECKPOINT_INVALID naming what is not implemented.
 */
export async function readImageProcessor(
  checkpoint: CheckpointFolder,
  { folder, imageSize, defaults }: { folder: string; imageSize: number; defaults: ProcessorDefaults },
): Promise<ImageProcessor> {
  const schema = processorSchema(defaults);
  const file = `${folder}preprocessor_config.json`;
  const newer = `${folder}processor_config.json`;
  const read = async () => {
    const both = z.object({ image_processor: schema.optional() }); // processors of texts alone have such a file, too
    const found = (await checkpoint.has(newer)) ? (await checkpoint.json(newer, both)).image_processor : undefined;
    if (found) return found;
    if (!(await checkpoint.has(file))) throw checkpoint.refusal(`${file} is missing`);
    return checkpoint.json(file, schema);
  };
  const found = await read();
  const { side, isSquashed } = found.size;
  const size = found.do_center_crop ? found.crop_size : side;
  if (size !== imageSize) {
    const what = found.do_center_crop ? "crop_size" : "size";
    const problem = `the preprocessor's ${what} ${size} is not the tower's image_size ${imageSize}: interpolated positions are not implemented`;
    throw checkpoint.refusal(problem);
  }
  if (side < size) {
    const problem = `the preprocessor's size ${side} is smaller than its crop_size ${size}: padding is not implemented`;
    throw checkpoint.refusal(problem);
  }
  if (isSquashed ? side !== size : !found.do_center_crop) {
    throw checkpoint.refusal(
      "the preprocessor neither cuts a square out of a picture whose shortest side was resized nor squashes it to one: nothing else is implemented",
    );
  }
  return {
    fit: isSquashed ? "squash" : "cover",
    size,
    resize: side,
    resample: filters[found.resample],
    mean: found.image_mean,
    std: found.image_std,
    background: found.background ?? null,
  };
}

/** Pillow's numbers of its filters. */
const filters = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"] as const;

const rgb = z.tuple([z.number(), z.number(), z.number()]);

const square = z
  .strictObject({ height: size(), width: size() })
  .refine(({ height, width }) => height === width)
  .transform(({ height }) => height);

const sizeSchema = only(
  z.union([
    size().transform((side) => ({ side, isSquashed: false })),
    z.strictObject({ shortest_edge: size() }).transform((it) => ({ side: it.shortest_edge, isSquashed: false })),
    square.transform((side) => ({ side, isSquashed: true })),
  ]),
  "a number, shortest_edge alone, or a square is",
);

const cropSchema = only(z.union([size(), square]), "a square is");

/** Versions of transformers save these, too, which say how an array is handed to PyTorch, and on which device. */
const idleKeys = [
  "data_format input_data_format return_tensors device disable_grouping _valid_processor_keys image_seq_length",
].flatMap((line) => line.split(" "));

function processorSchema({ kind, size, centreCrop, mean, std }: ProcessorDefaults) {
  const className = z.string().refine((name) => name.startsWith(kind), {
    error: ({ input }) => `${JSON.stringify(input)} is not implemented (${kind}'s is)`,
  });
  const channel = z.number().int().min(0).max(255);
  return z.strictObject({
    do_resize: exactly(true).default(true),
    size: sizeSchema.default(sizeSchema.parse(size)),
    resample: only(z.literal([0, 1, 2, 3, 4, 5]), "only Pillow's 0 to 5 are").default(3),
    do_center_crop: z
      .boolean()
      .nullish()
      .transform((value) => value ?? centreCrop),
    crop_size: cropSchema.nullish().transform((side) => side ?? 224),
    do_rescale: exactly(true).default(true),
    rescale_factor: z
      .number()
      .refine((factor) => Math.abs(factor * 255 - 1) < 1e-6, "is not implemented (only 1/255 is)")
      .default(1 / 255),
    do_normalize: exactly(true).default(true),
    image_mean: rgb.default(mean),
    image_std: rgb.refine((std) => std.every((value) => value > 0), "expected positive numbers").default(std),
    do_convert_rgb: z.unknown().optional(), // pictures are always converted
    do_pad: z.union([exactly(false), z.null()]).optional(),
    feature_extractor_type: className.optional(),
    image_processor_type: className.optional(),
    processor_class: z.unknown().optional(),
    pad_size: z.null().optional(),
    ...Object.fromEntries(idleKeys.map((key) => [key, z.unknown().optional()])),
    default_to_square: exactly(false).optional(),
    /** Our own key: the RGB that is put behind transparent pictures. */
    background: z.tuple([channel, channel, channel]).optional(),
  });
}
