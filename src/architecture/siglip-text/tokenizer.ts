import { z } from "zod";

/**
 * SigLIP was trained on lower-cased texts, its first version also without punctuation. transformers does this in the classes
 * of its tokenizers, whatever tokenizer.json says, so it goes before the file's own normaliser, unless that lower-cases.
 */
export function canonicalTokenizer(tokenizer: Uint8Array): Uint8Array {
  const json = tokenizerSchema.parse(JSON.parse(Buffer.from(tokenizer).toString())); // it was read as one before
  const own = json.normalizer ?? undefined;
  if (JSON.stringify(own ?? null).includes('"Lowercase"')) return tokenizer;
  const canonical = json.model.type === "Unigram" ? [finalSigma, lowercase, ...withoutPunctuation] : [lowercase];
  const normalizers = own?.type === "Sequence" && own.normalizers ? own.normalizers : own ? [own] : [];
  const normalizer = { type: "Sequence", normalizers: [...canonical, ...normalizers] };
  return Buffer.from(JSON.stringify({ ...json, normalizer }));
}

const lowercase = { type: "Lowercase" };

/** Python's lower() knows the sigma that ends a word; the tokenizers library's Lowercase does not. */
const finalSigma = {
  type: "Replace",
  pattern: { Regex: "(?<=[\\p{Lu}\\p{Ll}\\p{Lt}])Σ(?![\\p{Lu}\\p{Ll}\\p{Lt}])" },
  content: "ς",
};

/** As SiglipTokenizer does it: ASCII punctuation goes, white space counts as one blank, and none is left at the ends. */
const withoutPunctuation = [
  { type: "Replace", pattern: { Regex: "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]" }, content: "" },
  { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
  { type: "Strip", strip_left: true, strip_right: true },
];

const tokenizerSchema = z.looseObject({
  normalizer: z.looseObject({ type: z.string(), normalizers: z.array(z.unknown()).optional() }).nullish(),
  model: z.looseObject({ type: z.string().optional() }),
});
