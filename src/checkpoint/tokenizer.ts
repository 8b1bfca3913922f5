import { z } from "zod";
import type { Manifest } from "../model/manifest.ts";
import type { CheckpointFolder } from "./folder.ts";
import { exactly } from "./transformers-config.ts";

export interface TokenizerFacts {
  /** A tokenizer.json has these bytes. */
  tokenizer: Uint8Array;
  /** Says how token ids become tensors; the manifest explains the keys. */
  inputs: Pick<Manifest["text"], "maxTokens" | "padId" | "padding" | "paddingSide">;
}

export interface TokenizerOptions {
  /** Folder of the files in the checkpoint: "" or a path with its `/`. */
  folder: string;
  /** Rows of the tables of words and of positions. */
  vocabulary: number;
  positions: number;
  /** Token for padding where no file names one. */
  padToken: string;
  /** Sides that a checkpoint may ask for; others are refused. */
  paddingSides?: readonly ["right"] | readonly ["right", "left"];
  /** Makes a tokenizer.json of other files, where there is none. Undefined if those are missing, too. */
  fallback?(): Promise<object | undefined>;
}

/** What must be known of a tokenizer besides tokenizer.json itself, and whether the files around it agree with it. */
export async function readTokenizer(
  checkpoint: CheckpointFolder,
  { folder, vocabulary, positions, padToken, paddingSides = ["right"], fallback }: TokenizerOptions,
): Promise<TokenizerFacts> {
  const file = `${folder}tokenizer.json`;
  const made = (await checkpoint.has(file)) ? undefined : await fallback?.();
  if (!made && !(await checkpoint.has(file))) {
    const problem = `${file} is missing; load the folder with transformers' AutoTokenizer and call save_pretrained, which writes it`;
    throw checkpoint.refusal(problem);
  }
  const bytes = made ? Buffer.from(JSON.stringify(made)) : await checkpoint.bytes(file);
  const tokenizer = made ? tokenizerSchema.parse(made) : await checkpoint.json(file, tokenizerSchema);
  const settings = await optional(checkpoint, `${folder}tokenizer_config.json`, tokenizerConfigSchema);
  const limits = await optional(checkpoint, `${folder}sentence_bert_config.json`, sentenceBertSchema);
  refuseContradictions(checkpoint, tokenizer, settings);
  const paddingSide = paddingSides.find((side) => side === (settings.padding_side ?? "right"));
  if (!paddingSide) {
    throw checkpoint.refusal(`${folder}tokenizer_config.json: padding_side: "left" is not implemented`);
  }

  const ids = idsByToken(tokenizer);
  let highest = 0;
  for (const id of ids.values()) highest = Math.max(highest, id);
  if (highest >= vocabulary)
    throw checkpoint.refusal(`${file} has the token id ${highest}; config.json's vocab_size is ${vocabulary}`);

  const padding = settings.pad_token ?? padToken;
  const padId = ids.get(padding);
  if (padId === undefined) throw checkpoint.refusal(`${file}: the padding token ${padding} is not in the vocabulary`);
  const maxTokens = Math.min(limits.max_seq_length ?? settings.model_max_length ?? positions, positions);
  return { tokenizer: bytes, inputs: { maxTokens, padId, padding: "batch", paddingSide } };
}

async function optional<T>(checkpoint: CheckpointFolder, file: string, schema: z.ZodType<T>): Promise<T> {
  return (await checkpoint.has(file)) ? checkpoint.json(file, schema) : schema.parse({});
}

const tokenId = z.number().int().nonnegative();

/** The tokenizer library reads the file itself; here only what is compared with other files. */
const tokenizerSchema = z.object({
  normalizer: z.looseObject({ type: z.string() }).nullable(),
  added_tokens: z.array(z.object({ id: tokenId, content: z.string() })),
  // A list of [piece, score] for Unigram models, whose ids are the positions.
  model: z.object({ vocab: z.union([z.record(z.string(), tokenId), z.array(z.tuple([z.string(), z.number()]))]) }),
});

type TokenizerJson = z.output<typeof tokenizerSchema>;

const tokenizerConfigSchema = z.object({
  pad_token: z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]).nullish(),
  model_max_length: z.number().positive().refine(Number.isInteger, "expected a whole number").optional(), // 1e30 means none
  padding_side: z.enum(["right", "left"]).optional(),
  truncation_side: exactly("right").optional(),
  do_lower_case: z.boolean().optional(),
  strip_accents: z.boolean().nullish(),
  tokenize_chinese_chars: z.boolean().optional(),
});

const sentenceBertSchema = z.object({
  max_seq_length: z.number().int().positive().nullish(),
  do_lower_case: exactly(false).optional(),
});

/** Where both files set the same thing, transformers believes tokenizer_config.json and rewrites the normaliser. */
function refuseContradictions(
  checkpoint: CheckpointFolder,
  { normalizer }: TokenizerJson,
  settings: z.output<typeof tokenizerConfigSchema>,
): void {
  if (normalizer?.type !== "BertNormalizer") return;
  const pairs = [
    ["do_lower_case", "lowercase"],
    ["strip_accents", "strip_accents"],
    ["tokenize_chinese_chars", "handle_chinese_chars"],
  ] as const;
  for (const [setting, key] of pairs) {
    if (settings[setting] !== undefined && settings[setting] !== normalizer[key]) {
      const problem = `tokenizer_config.json: ${setting} ${settings[setting]} contradicts tokenizer.json's ${key} ${normalizer[key]}; save the tokenizer again with transformers`;
      throw checkpoint.refusal(problem);
    }
  }
}

function idsByToken({ model, added_tokens }: TokenizerJson): Map<string, number> {
  const pieces = Array.isArray(model.vocab)
    ? model.vocab.map(([piece], id): [string, number] => [piece, id])
    : Object.entries(model.vocab);
  return new Map([...pieces, ...added_tokens.map(({ content, id }): [string, number] => [content, id])]);
}
