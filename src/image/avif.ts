import { type LumaShares, smoothChroma } from "./chroma.ts";
import { unpremultiply } from "./colour.ts";
import { type HeifFacts, readHeifFacts } from "./heif-boxes.ts";
import type { Samples } from "./raster.ts";

/**
 * The keys are matrix coefficients of ITU-T H.273; what is not listed is read as BT.601, the default of most encoders.
 */
const lumaShares: Readonly<Record<number, LumaShares>> = {
  1: { red: 0.2126, blue: 0.0722 }, // BT.709
  9: { red: 0.2627, blue: 0.0593 }, // BT.2020
};
const bt601: LumaShares = { red: 0.299, blue: 0.114 };

/** Mends, in place, what libheif does in another way than libavif, which Pillow uses. */
export interface AvifRepairs {
  /** True where colours were multiplied by their alpha, which is then needed even if it is dropped. */
  isPremultiplied: boolean;
  repair(samples: Samples, options: { smooth: boolean }): void;
}

export function planAvif(file: Uint8Array): AvifRepairs {
  const facts = readHeifFacts(file);
  const { isSubsampled, isGrey } = samplingOf(facts);
  const { matrix, isLimited } = colourOf(facts);
  const isPremultiplied = facts.references.includes("prem");
  return {
    isPremultiplied,
    repair(samples, { smooth }) {
      if (isGrey && isLimited) stretchGrey(samples);
      if (isSubsampled && smooth) smoothChroma(samples, lumaShares[matrix] ?? bt601);
      if (isPremultiplied && samples.channels === 4) unpremultiply(samples);
    },
  };
}

/** Looks at all pictures but alpha, which is grey: av1C's third byte has bits for monochrome and each halved axis. */
function samplingOf({ properties }: HeifFacts): { isSubsampled: boolean; isGrey: boolean } {
  const flags = properties.filter(({ type }) => type === "av1C").map(({ payload }) => payload[2] ?? 0);
  const [monochrome, halved] = [0x10, 0x0c];
  return {
    isSubsampled: flags.some((it) => !(it & monochrome) && it & halved),
    isGrey: flags.length > 0 && flags.every((it) => it & monochrome),
  };
}

/**
 * Reads colr: "nclx", two bytes each for primaries, transfer and matrix, and a byte whose highest bit is full range.
 */
function colourOf({ properties }: HeifFacts): { matrix: number; isLimited: boolean } {
  const box = properties.find(({ type, payload }) => type === "colr" && payload.toString("latin1", 0, 4) === "nclx");
  if (!box || box.payload.length < 11) return { matrix: 2, isLimited: false };
  return { matrix: box.payload.readUInt16BE(8), isLimited: !(box.payload[10]! & 0x80) };
}

/** Stretches grey of limited range, 16 to 235, which libheif leaves as it is. */
function stretchGrey({ data, channels }: Samples): void {
  for (let at = 0; at < data.length; at += channels) {
    for (let i = at; i < at + 3; i++) data[i] = Math.min(Math.max(Math.round(((data[i]! - 16) * 255) / 219), 0), 255);
  }
}
