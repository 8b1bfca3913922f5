import { atIndex, EncoderError } from "../errors.ts";
import type { EncodeOptions, Encoder, Encoding, ImageInput } from "./contract.ts";
import { longest } from "./outcomes.ts";

/** Holds what gets a vector: a text or an image. */
export type Item = { text: string } | { image: ImageInput };

type Encodes = Pick<Encoder, "encodeTexts" | "encodeImages">;
type Returning = EncodeOptions & { onError: "return" };

/**
 * Encodes texts and images together, into one list of vectors in the order of the items.
 * @throws EncoderError with the `index` of the item; the work on the others is then given up. With `onError: "return"` a
 * vector may be null instead.
 */
export function encodeItems(
  encoder: Encodes,
  items: readonly Item[],
  options: Returning,
): Promise<Encoding<Float32Array | null>>;
export function encodeItems(encoder: Encodes, items: readonly Item[], options?: EncodeOptions): Promise<Encoding>;
export async function encodeItems(
  encoder: Encodes,
  items: readonly Item[],
  options: EncodeOptions = {},
): Promise<Encoding<Float32Array | null>> {
  for (const [index, item] of items.entries()) requireOne(item, index);
  const texts = items.flatMap((item, index) => ("text" in item ? [{ index, text: item.text }] : []));
  const images = items.flatMap((item, index) => ("image" in item ? [{ index, image: item.image }] : []));
  const words = texts.map(({ text }) => text);
  const pictures = images.map(({ image }) => image);
  if (images.length === 0) return encoder.encodeTexts(words, options);
  if (texts.length === 0) return encoder.encodeImages(pictures, options);

  const failed = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal;
  const both = { ...options, signal };
  const parts = [
    { places: texts, encoding: inPlace(encoder.encodeTexts(words, both), texts) },
    { places: images, encoding: inPlace(encoder.encodeImages(pictures, both), images) },
  ];
  try {
    const encodings = await Promise.all(parts.map(({ encoding }) => encoding));
    return merged(encodings.map((encoding, part) => ({ encoding, places: parts[part]!.places })));
  } catch (error) {
    failed.abort(error);
    throw error;
  }
}

/** Callers without types may give something else, whose vector would be missing, or another's. */
function requireOne(item: Partial<Record<"text" | "image", unknown>>, index: number): void {
  if ((item?.text === undefined) !== (item?.image === undefined)) return;
  throw new EncoderError("INVALID_REQUEST", "An item has either text or image.", { index });
}

/** Counts from 0 among all items. */
type Place = { index: number };

/** Gives the same, but a failure names the item by its place among all. */
function inPlace<Vector>(encoding: Promise<Encoding<Vector>>, places: readonly Place[]): Promise<Encoding<Vector>> {
  return encoding.catch((error) => {
    if (!(error instanceof EncoderError) || error.index === undefined) throw error;
    throw atIndex(error, places[error.index]!.index);
  });
}

function merged<Vector>(parts: { encoding: Encoding<Vector>; places: readonly Place[] }[]): Encoding<Vector> {
  const embeddings: Vector[] = [];
  for (const { encoding, places } of parts) {
    for (const [i, embedding] of encoding.embeddings.entries()) embeddings[places[i]!.index] = embedding;
  }
  const sum = (of: "truncated" | "unknownTokens" | "tokens" | "incomplete") =>
    parts.reduce((total, { encoding }) => total + encoding[of], 0);
  return {
    embeddings,
    errors: parts
      .flatMap(({ encoding, places }) => encoding.errors.map((error) => atIndex(error, places[error.index!]!.index)))
      .sort((a, b) => a.index! - b.index!),
    truncated: sum("truncated"),
    unknownTokens: sum("unknownTokens"),
    incomplete: sum("incomplete"),
    tokens: sum("tokens"),
    timings: longest(parts.map(({ encoding }) => encoding.timings)),
  };
}
