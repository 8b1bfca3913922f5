import { uniforms } from "../random.ts";
import { type Background, backgrounds, meanError, type ParityCase, pixelsOrCode } from "./compare.ts";
import { differences, toleranceOf } from "./differences.ts";
import type { Pillow } from "./pillow.ts";

interface FuzzOptions {
  cases: readonly ParityCase[];
  count: number;
  seed: number;
  pillow: Pillow;
}

interface Finding {
  name: string;
  error: number;
  file: Uint8Array;
}

/** Damaged pixels are decoded a little differently by any two libraries; another picture is further away than this. */
const farGreyLevels = 4;
/** Most fields that decide how pixels are read lie in the first bytes. */
const headBytes = 160;

/**
 * Changes some bytes of the corpus's files, and finds those that both read, with pixels that are far from each other.
 */
export async function findFarPixels({
  cases,
  count,
  seed,
  pillow,
}: FuzzOptions): Promise<{ findings: Finding[]; read: number }> {
  const random = uniforms(seed);
  const findings: Finding[] = [];
  let read = 0;
  for (let i = 0; i < count; i++) {
    const original = cases[Math.floor(random() * cases.length)]!;
    const background: Background = backgrounds[Math.floor(random() * backgrounds.length)]!;
    const file = damaged(original.file, random);
    const got = await pixelsOrCode(file, background);
    if (typeof got === "string") continue;
    const expected = await pillow.pixels(file, background);
    if (!expected) continue;
    read++;
    const error = meanError(got, expected);
    const isOnPurpose = differences.some(
      ({ files, outcome }) => outcome === "other pixels" && files.test(original.name),
    );
    if (error > farGreyLevels + toleranceOf(original.name) && !isOnPurpose) {
      findings.push({ name: `${original.name}-${background}-${i}`, error, file });
    }
  }
  return { findings, read };
}

/** One to four changes: a bit, a byte, or a telling value of two bytes; half of them near the start. */
function damaged(file: Uint8Array, random: () => number): Uint8Array {
  const copy = Buffer.from(file);
  const changes = 1 + Math.floor(random() * 4);
  for (let i = 0; i < changes; i++) {
    const reach = random() < 0.5 ? Math.min(copy.length, headBytes) : copy.length;
    const at = Math.floor(random() * reach);
    const kind = random();
    if (kind < 0.3) copy[at]! ^= 1 << Math.floor(random() * 8);
    else if (kind < 0.6) copy[at] = Math.floor(random() * 256);
    else if (kind < 0.8) copy[at] = [0, 1, 2, 3, 4, 8, 16, 24, 32, 255][Math.floor(random() * 10)]!;
    else copy[at] = copy[Math.floor(random() * copy.length)]!;
  }
  return copy;
}
