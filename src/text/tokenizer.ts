import { Tokenizer as RustTokenizer } from "tokenizers";
import { EncoderError } from "../errors.ts";

/** The only module that knows the tokenizer library (Hugging Face's Rust one: exact, and off the main thread). */
export interface Tokens {
  /** Token ids with the special tokens, at most `maxTokens`. */
  ids: number[];
  /** Whether tokens were cut off. */
  truncated: boolean;
}

export interface Tokenizer {
  /** @throws EncoderError EMPTY_TEXT naming the first text that is empty or only white space. */
  tokenize(texts: readonly string[], signal: AbortSignal): Promise<Tokens[]>;
}

/** Texts handed to the library at once: reading the ids back costs this thread about 2 µs each. */
const textsPerCall = 256;

/** @param file a tokenizer.json; its own truncation and padding are replaced by `maxTokens` (special tokens included). */
export function openTokenizer({ file, maxTokens }: { file: string; maxTokens: number }): Tokenizer {
  const tokenizer = RustTokenizer.fromFile(file);
  tokenizer.setTruncation(maxTokens);
  tokenizer.disablePadding();
  return {
    async tokenize(texts, signal) {
      const empty = texts.findIndex((text) => text.trim() === "");
      if (empty >= 0) throw new EncoderError("EMPTY_TEXT", "The text is empty.", { index: empty });
      const tokens: Tokens[] = [];
      for (let start = 0; start < texts.length; start += textsPerCall) {
        signal.throwIfAborted();
        const encodings = await tokenizer.encodeBatch(texts.slice(start, start + textsPerCall));
        for (const encoding of encodings) {
          tokens.push({ ids: encoding.getIds(), truncated: encoding.getOverflowing().length > 0 });
        }
      }
      return tokens;
    },
  };
}
