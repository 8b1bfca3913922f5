import { EncoderError } from "../errors.ts";
import type { Tokenizer, Tokens } from "../text/tokenizer.ts";
import type { Tower } from "../tower/tower.ts";
import type { Encode, EncodeOptions, EncoderObserver } from "./contract.ts";
import { type EncodedItem, encodingOf, faultOf, itemOrFault } from "./outcomes.ts";

export interface TextEncoderOptions {
  tower: Tower<number[]>;
  tokenizer: Tokenizer;
  observer: EncoderObserver;
}

/** Creates the way of a text: string -> token ids -> batch -> vector. */
export function createTextEncoder({ tower, tokenizer, observer }: TextEncoderOptions): Encode<string> {
  async function encodeTexts(texts: readonly string[], options: EncodeOptions = {}) {
    const { signal, deadline, wait } = options;
    const request = tower.open({ items: texts.length, signal, deadline, wait });
    try {
      if (texts.length > 1) request.reserve([]); // spares tokenising many texts in vain
      const items: (EncodedItem | EncoderError)[] = [];
      const filled: { text: string; index: number }[] = [];
      for (const [index, text] of texts.entries()) {
        if (typeof text !== "string") throw new EncoderError("INVALID_REQUEST", "The text is no string.", { index });
        if (text.trim() !== "") filled.push({ text, index });
        else items[index] = faultOf(new EncoderError("EMPTY_TEXT", "The text is empty."), index, options);
      }

      const startedAt = performance.now();
      const words = filled.map(({ text }) => text);
      const tokens = await tokenizer.tokenize(words, request.signal);
      const tokenizeMs = performance.now() - startedAt;

      request.reserve(tokens.map(({ key, ids }) => ({ key, cost: ids.length })));
      await request.each(byLength(tokens), async (at, { index: position, waitedMs }) => {
        const { index } = filled[at]!;
        const { key, ids } = tokens[at]!;
        const work = async () => {
          const result = await request.embed({ key, position, cost: ids.length }, () => ({ item: ids }));
          const { embedding, incomplete, inferenceMs } = result;
          return { embedding, incomplete, timings: { queueMs: waitedMs + result.queueMs, inferenceMs } };
        };
        items[index] = await itemOrFault(work(), index, options);
      });
      const encoding = encodingOf(items);
      encoding.timings.tokenizeMs = tokenizeMs;
      observer.onTimings?.("text", encoding.timings);
      return {
        ...encoding,
        truncated: tokens.filter(({ truncated }) => truncated).length,
        unknownTokens: tokens.reduce((sum, { unknown }) => sum + unknown, 0),
        tokens: tokens.reduce((sum, { ids }) => sum + ids.length, 0),
      };
    } finally {
      request.close(); // one failed item ends the work on the others
    }
  }

  return encodeTexts as Encode<string>; // null stands only in the place of an error that was asked for
}

/** Orders places by the texts' length, since neighbours in the queue share batches, which are padded. */
function byLength(tokens: readonly Tokens[]): number[] {
  return tokens.map((_, index) => index).sort((a, b) => tokens[a]!.ids.length - tokens[b]!.ids.length);
}
