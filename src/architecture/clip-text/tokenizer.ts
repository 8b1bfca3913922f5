import { z } from "zod";
import type { CheckpointFolder } from "../../checkpoint/folder.ts";

const endOfText = "<|endoftext|>";
const startOfText = "<|startoftext|>";

/**
 * Makes CLIP's byte pair encoding a tokenizer.json, out of vocab.json and merges.txt as transformers does it; the
 * result is undefined where those are missing. Texts are normalised (NFC) and lower-cased, and every white space counts
 * as one blank.
 */
export async function tokenizerOf(checkpoint: CheckpointFolder, folder: string): Promise<object | undefined> {
  const [vocabFile, mergesFile] = [`${folder}vocab.json`, `${folder}merges.txt`];
  if (!(await checkpoint.has(vocabFile)) || !(await checkpoint.has(mergesFile))) return undefined;
  const vocab = await checkpoint.json(vocabFile, z.record(z.string(), z.number().int().nonnegative()));
  const [start, end] = [vocab[startOfText], vocab[endOfText]];
  if (start === undefined || end === undefined) {
    throw checkpoint.refusal(`${vocabFile} lacks ${startOfText} or ${endOfText}`);
  }
  const lines = Buffer.from(await checkpoint.bytes(mergesFile))
    .toString()
    .split("\n");
  const merges = lines.map((line) => line.trimEnd()).filter((line) => line !== "" && !line.startsWith("#version"));
  const special = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [
      { id: start, content: startOfText, ...special },
      { id: end, content: endOfText, ...special },
    ].sort((a, b) => a.id - b.id),
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
        { type: "Lowercase" },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: wordPattern }, behavior: "Removed", invert: true },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: {
      type: "RobertaProcessing",
      sep: [endOfText, end],
      cls: [startOfText, start],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: endOfText,
      continuing_subword_prefix: "",
      end_of_word_suffix: "</w>",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}

const wordPattern =
  "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";
