import { type Encoding, Tokenizer as RustTokenizer } from "tokenizers";
import { EncoderError } from "../errors.ts";
import { createLanes } from "../scheduling/lanes.ts";

/**
 * Holds what the tokenizer library (Hugging Face's Rust one: exact, and off the main thread) makes of a text. This is
 * the only module that knows the library.
 */
export interface Tokens {
  /** Holds the token ids, special tokens included, at most `maxTokens` of them. */
  ids: number[];
  /** Equal ids have the same key. */
  key: string;
  truncated: boolean;
  /** Counts the ids that stand for what the vocabulary has no token for: texts that differ only there look alike. */
  unknown: number;
}

export interface Tokenizer {
  /** Texts may be anything; aborting ends the work between two of them. @throws the signal's reason when aborted. */
  tokenize(texts: readonly string[], signal: AbortSignal): Promise<Tokens[]>;
}

/** Limits the texts given to the library at once: reading ids back costs 2 µs a text, and other requests wait. */
const textsPerCall = 64;

/** The start of a longer text is tried alone: 128 tokens of prose are some 600 characters. */
const charactersPerToken = 16;

/** Nearer to where a start was cut off, what looks like words may be the first half of a special token. */
const marginCharacters = 64;

/** The token for anything unknown has one of these names: in WordPiece, and in SentencePiece. */
const unknownTokens = ["[UNK]", "<unk>"];

/** @param file a tokenizer.json; its own truncation and padding are replaced by `maxTokens` (special tokens included). */
export function openTokenizer({ file, maxTokens }: { file: string; maxTokens: number }): Tokenizer {
  const tokenizer = fromFile(file);
  tokenizer.setTruncation(maxTokens);
  tokenizer.disablePadding();
  const unknownId = unknownTokens.map((token) => tokenizer.tokenToId(token)).find((id) => id !== null);
  const tokensOf = (encoding: Encoding): Tokens => {
    const ids = encoding.getIds();
    const unknown = ids.filter((id) => id === unknownId).length;
    return { ids, key: ids.join(), truncated: encoding.getOverflowing().length > 0, unknown };
  };
  const lane = createLanes({ lanes: 1 }); // a thread of libuv's small pool: others find the rest free
  const tokensOfWhole = async (text: string, signal: AbortSignal): Promise<Tokens> => {
    signal.throwIfAborted(); // a whole megabyte takes up to a second
    const [encoding] = await tokenizer.encodeBatch([text]);
    return tokensOf(encoding!);
  };
  return {
    async tokenize(texts, signal) {
      const tokens: Tokens[] = [];
      for (let first = 0; first < texts.length; first += textsPerCall) {
        signal.throwIfAborted();
        const portion = texts.slice(first, first + textsPerCall);
        const starts = portion.map((text) => startOf(text, maxTokens * charactersPerToken));
        const encodings = await tokenizer.encodeBatch(starts.map(({ text }) => text));
        for (const [i, encoding] of encodings.entries()) {
          const isEnough = holdsFirstTokens(encoding, starts[i]!);
          tokens.push(isEnough ? tokensOf(encoding) : await lane.run(() => tokensOfWhole(portion[i]!, signal)));
        }
      }
      return tokens;
    },
  };
}

/** @throws EncoderError MODEL_INVALID with the library's own words. */
function fromFile(file: string): RustTokenizer {
  try {
    return RustTokenizer.fromFile(file);
  } catch (cause) {
    const internal = cause instanceof Error ? cause.message : String(cause);
    throw new EncoderError("MODEL_INVALID", "The tokenizer.json cannot be read.", { cause, internal });
  }
}

interface Start {
  text: string;
  /** Says where it ends: with the text, before white space, or anywhere. */
  end: "whole" | "space" | "cut";
}

function startOf(text: string, length: number): Start {
  if (text.length <= length) return { text, end: "whole" };
  const space = Math.max(text.lastIndexOf(" ", length), text.lastIndexOf("\n", length));
  return space > 0 ? { text: text.slice(0, space), end: "space" } : { text: text.slice(0, length), end: "cut" };
}

/**
 * Tells whether the first tokens of the whole text are known from its start: there are more than are kept, and what
 * follows the start cannot change them. No token spans white space; else another word must have begun, well before the
 * cut (scripts without spaces, such as Chinese, have many).
 */
function holdsFirstTokens(encoding: Encoding, { text, end }: Start): boolean {
  if (end === "whole") return true;
  const rest = encoding.getOverflowing().at(-1);
  if (end === "space" || !rest) return rest !== undefined;
  const lastWord = (of: Encoding) => Math.max(...of.getWordIds().map((word) => word ?? -1));
  const lastCharacter = Math.max(...rest.getOffsets().map(([, behind]) => behind!));
  return lastWord(rest) > lastWord(encoding) && lastCharacter + marginCharacters <= Array.from(text).length;
}
