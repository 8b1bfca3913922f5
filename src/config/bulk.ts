import { z } from "zod";
import { errorCodeNames } from "../errors.ts";
import { choice, integer, list, MiB, text, toggle } from "./setting.ts";

/** Where `index`, `search` and `duplicates` have the index if they are not told. */
const usualIndex = "./index.lance";

export const indexPath = (index: string): string => index || usualIndex;

/** Says which inputs a bulk command takes, and how it goes about them. */
export const inputSettings = {
  text: toggle({ default: false, help: "The inputs are texts, or the captions of a tar." }),
  column: text("a column's name", {
    default: "",
    help: "Column of a list that holds the paths, URLs or texts; without it, the one whose name says so.",
  }),
  idColumn: text("a column's name", {
    default: "",
    help: "Column of a list whose values become the keys; without it, keys are row numbers.",
  }),
  from0: toggle({
    default: false,
    help: "Inputs on standard input or in a .txt end with a NUL character, as find -print0 writes them.",
    why: "Lists that people write have one input a line, and names with line ends are rare.",
  }),
  include: list("a comma-separated list of patterns, such as *.jpg,2024/**", {
    default: [],
    split: atOuterCommas,
    help: "Which files of folders are taken; without it, those that are named like pictures.",
  }),
  exclude: list("a comma-separated list of patterns", {
    default: [],
    split: atOuterCommas,
    help: "Which files of folders are left out.",
  }),
  follow: toggle({ default: false, help: "Follow links to files and folders." }),
  dryRun: toggle({
    default: false,
    help: "Only tell how many inputs there are and how long they would take.",
  }),
  retryFailed: {
    schema: z.enum(["none", "any", ...errorCodeNames]),
    expects: "an error code, any or none",
    bare: "any",
    default: "none" as const,
    help: "Try inputs again that failed in an earlier run, all of them or those with this code.",
  },
  jsonProgress: toggle({ default: false, help: "Tell the progress as JSON lines on standard error." }),
  itemTimeoutMs: integer(1000, 86_400_000, {
    default: 300_000,
    help: "Longest time for one input, from reading it to its vector.",
    why: "Many times what the largest picture takes on a slow disk and a slow core; only a hang takes longer.",
  }),
  maxReadBytes: integer(MiB, 1024 * 1024 * MiB, {
    default: 96 * MiB,
    help: "Bytes of inputs that may be read ahead of the engine.",
    why: "Thirty photographs of 3 MB: more than two batches, and little beside the model.",
  }),
  maxInflatedBytes: integer(MiB, 1024 * 1024 * MiB, {
    default: 16 * 1024 * MiB,
    help: "Most bytes that a .tar.gz may inflate to.",
    why: "Shards of a dataset have one or two GB; a bomb has far more.",
  }),
};

export const outputSettings = {
  out: text("a folder", {
    help: "Folder that the vectors are written to; a run that was interrupted goes on in it.",
  }),
  format: choice(["npy", "parquet", "jsonl", "lance"], {
    default: "npy",
    help: "npy is the layout of clip-retrieval and autofaiss, with metadata in parquet files.",
  }),
  dtype: choice(["float32", "float16"], { default: "float32", help: "Numbers in npy files." }),
  partSize: integer(1, 100_000, {
    default: 10_000,
    help: "Inputs in one part of the output.",
    why: "20 MB of vectors: few files for a million pictures, and little to write again when one of them changes.",
  }),
};

/** All that use an index have one setting, since they share the variable INDEX. */
export const indexFolder = text("a folder", {
  default: "",
  help: `Folder of the search index; without it, ${usualIndex}, and serve has no search.`,
});

export const indexSettings = {
  index: indexFolder,
  prune: toggle({
    default: false,
    help: "Remove what the inputs do not have any more, and what cannot be decoded any more.",
  }),
  forget: toggle({
    default: false,
    help: "Remove all that came from the inputs, which need not be there any more, instead of indexing them.",
  }),
  optimize: toggle({
    default: false,
    help: "Build the approximate index afterwards, which makes searches in very many pictures faster.",
    why: "Off, since it takes minutes for a million pictures, and again when they have become twice as many; in between, new ones are taken into it. Up to 100,000 a search of all takes a tenth of a second.",
  }),
};

export const searchSettings = {
  index: indexFolder,
  image: text("a file or a URL", {
    default: "",
    help: "A picture to look for, instead of or besides words.",
  }),
  limit: integer(1, 10_000, { default: 10, short: "n", help: "Results at most." }),
  offset: integer(0, 10_000, { default: 0, help: "Results left out at the beginning." }),
  min: {
    schema: z
      .union([
        z.number(),
        z
          .string()
          .regex(/^-?\d*\.?\d+$/)
          .transform(Number),
      ])
      .pipe(z.number().min(-1).max(1)) as unknown as z.ZodType<number>,
    expects: "a number from -1 to 1",
    default: -1,
    help: "Least cosine of a result.",
    why: "None is cut off: which cosine is a good one differs with the words.",
  },
  filter: text("a JSON object", {
    default: "",
    help: 'Condition on the columns of lists, such as {"price":{"lt":20},"color":["red","blue"]}.',
  }),
  exact: toggle({
    default: false,
    help: "Compare with every picture, also where there is an approximate index.",
  }),
  paths: toggle({ default: false, help: "Print one path a line, for other programs." }),
  print0: toggle({
    default: false,
    help: "Print paths that end with a NUL character, for xargs -0.",
    why: "A name may have line ends in it.",
  }),
  json: toggle({ default: false, help: "Print JSON." }),
};

export const duplicatesSettings = {
  index: indexFolder,
  min: {
    ...searchSettings.min,
    default: 0.97,
    help: "Least cosine of two pictures in a group.",
    why: "Above it are copies in another size or format; below it, pictures of the same thing.",
  },
  json: searchSettings.json,
};

/** Splits a list of patterns at its commas, but for those between braces. */
function atOuterCommas(list: string): string[] {
  const patterns = [""];
  let depth = 0;
  for (const character of list) {
    if (character === "{") depth++;
    else if (character === "}") depth = Math.max(0, depth - 1);
    if (character === "," && depth === 0) patterns.push("");
    else patterns[patterns.length - 1] += character;
  }
  return patterns;
}
