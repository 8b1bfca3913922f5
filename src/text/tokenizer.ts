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

/** Of a longer text, the start is tried alone: 128 tokens of prose are some 600 characters. */
const charactersPerToken = 32;

/** @param file a tokenizer.json; its own truncation and padding are replaced by `maxTokens` (special tokens included). */
export function openTokenizer({ file, maxTokens }: { file: string; maxTokens: number }): Tokenizer {
  const tokenizer = RustTokenizer.fromFile(file);
  tokenizer.setTruncation(maxTokens);
  tokenizer.disablePadding();
  const tokensOf = async (texts: string[]): Promise<Tokens[]> => {
    const encodings = await tokenizer.encodeBatch(texts);
    return encodings.map((it) => ({ ids: it.getIds(), truncated: it.getOverflowing().length > 0 }));
  };
  return {
    async tokenize(texts, signal) {
      const empty = texts.findIndex((text) => text.trim() === "");
      if (empty >= 0) throw new EncoderError("EMPTY_TEXT", "The text is empty.", { index: empty });
      const tokens: Tokens[] = [];
      for (let first = 0; first < texts.length; first += textsPerCall) {
        signal.throwIfAborted();
        const portion = texts.slice(first, first + textsPerCall);
        const starts = portion.map((text) => startOf(text, maxTokens * charactersPerToken));
        for (const [i, ofStart] of (await tokensOf(starts)).entries()) {
          const isEnough = ofStart.truncated || starts[i] === portion[i];
          if (!isEnough) signal.throwIfAborted(); // a whole megabyte takes about a second
          tokens.push(...(isEnough ? [ofStart] : await tokensOf([portion[i]!])));
        }
      }
      return tokens;
    },
  };
}

/** Up to white space, which no token spans: if more tokens than `maxTokens` are in it, the first are those of the whole text. */
function startOf(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = Math.max(text.lastIndexOf(" ", length), text.lastIndexOf("\n", length));
  return end > 0 ? text.slice(0, end) : text;
}
