import { createHash } from "node:crypto";
import type { Manifest } from "./manifest.ts";

/**
 * Names what decides a model's vectors, precision aside: the checkpoints' bytes and how inputs are prepared. Two machines that
 * build the same checkpoints get the same id, although the files that they build may differ with the processor.
 * @returns 16 hexadecimal digits
 */
export function buildId({ dimensions, image, text, sources }: Manifest): string {
  const tower = ({ graph: _g, precision: _p, fidelity: _f, largestPair: _l, ...preparation }: Tower) => preparation;
  const hashes = (files: Manifest["files"]) => Object.values(files).map(({ sha256 }) => sha256);
  const checkpoints = [hashes(sources.image.files), hashes(sources.text.files)].map((list) => list.sort());
  const { tokenizer: _tokenizer, ...textTower } = text;
  const facts = { dimensions, image: tower(image), text: tower(textTower), checkpoints };
  return createHash("sha256")
    .update(JSON.stringify(sortKeys(facts)))
    .digest("hex")
    .slice(0, 16);
}

interface Tower {
  graph: string;
  precision: string;
  fidelity?: unknown;
  largestPair?: unknown;
}

/** The same value with every object's keys in alphabetical order, so that a manifest's spelling does not matter. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== "object") return value;
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, inner]) => [key, sortKeys(inner)]));
}
