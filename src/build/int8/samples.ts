import type { TokenInputs } from "../../architecture/tower.ts";
import type { Tensor } from "../../engine/contract.ts";
import { imageTensors } from "../../image/tensors.ts";
import { textTensors } from "../../text/tensors.ts";
import { openTokenizer } from "../../text/tokenizer.ts";
import { makePictures } from "./pictures.ts";
import { calibrationSentences, heldOutSentences } from "./sentences.ts";

/** Holds single items, as a tower's graph takes them. */
export interface Samples {
  calibration: Tensor[][];
  heldOut: Tensor[][];
}

/** 32 pictures of 50 tokens show each channel's range; 64 others take 8 s to measure in the production size. */
const pictureCounts = { calibration: 32, heldOut: 64 };

export function imageSamples(size: number): Samples {
  const made = (count: number, seed: number) =>
    makePictures({ count, size, seed }).map((pixels) => imageTensors([pixels], size));
  return { calibration: made(pictureCounts.calibration, 1), heldOut: made(pictureCounts.heldOut, 2) };
}

/** @param file a tokenizer.json */
export async function textSamples(options: {
  file: string;
  inputs: TokenInputs;
  signal: AbortSignal;
}): Promise<Samples> {
  const { file, inputs, signal } = options;
  const tokenizer = openTokenizer({ file, maxTokens: inputs.maxTokens });
  const tokenized = async (sentences: readonly string[]) => {
    const tokens = await tokenizer.tokenize(sentences, signal);
    return tokens.map(({ ids }) => textTensors([ids], inputs));
  };
  return { calibration: await tokenized(calibrationSentences), heldOut: await tokenized(heldOutSentences) };
}
