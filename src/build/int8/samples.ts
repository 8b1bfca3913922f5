import type { TokenizerFacts } from "../../checkpoint/tokenizer.ts";
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
const usual = { calibration: 32, heldOut: 64 };
/** Fewer show too little of the world, however many tokens each has. */
const least = { calibration: 8, heldOut: 16 };

/** Up to four times the production size, a picture costs little enough for all of them: tokens times parameters. */
const affordableCost = 18e9;

/** @param cost a picture's tokens times the tower's parameters; the larger it is, the fewer pictures there are */
export function imageSamples({ size, cost = 0 }: { size: number; cost?: number }): Samples {
  const made = (name: "calibration" | "heldOut", seed: number) => {
    const count = Math.max(least[name], Math.min(usual[name], Math.round((usual[name] * affordableCost) / cost)));
    return makePictures({ count, size, seed }).map((pixels) => imageTensors([pixels], size));
  };
  return { calibration: made("calibration", 1), heldOut: made("heldOut", 2) };
}

/** @param file a tokenizer.json */
export async function textSamples(options: {
  file: string;
  inputs: TokenizerFacts["inputs"];
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
