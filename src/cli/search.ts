import { indexPath, searchSettings } from "../config/bulk.ts";
import { encoderSettings } from "../config/encoder.ts";
import { pickSettings } from "../config/setting.ts";
import { createEncoder, type Encoder } from "../encoder/encoder.ts";
import { EncoderError } from "../errors.ts";
import { withHome } from "../model/locate.ts";
import { pathOf, printable } from "../model/path-name.ts";
import type { Filter } from "../search/filter.ts";
import { openPictureIndex } from "../search/picture-index.ts";
import { combine, parseQuery, type Term } from "../search/query.ts";
import { localResult, type Result } from "../search/results.ts";
import { absoluteFolder } from "./absolute-folder.ts";
import { command } from "./command.ts";
import { readPicture } from "./read-picture.ts";

export const search = command({
  summary: "Find pictures of an index by words, by a picture, or by both",
  operands: "[WORDS]",
  examples: [
    ['search "a red bicycle"', "The ten pictures that fit best, with their cosines."],
    [
      'search "golden retriever + ./pool.jpg - fruit"',
      "More of one, less of another; a term that begins with ./, ../, /, ~/ or http is a picture.",
    ],
    ["search --image cat.jpg -n 50 --print0 | xargs -0 cp -t found/", "Copies the fifty most similar."],
  ],
  settings: { ...searchSettings, ...encoderSettings },
  async run({ values, operands, signal }) {
    const terms: Term[] = operands.length > 0 ? parseQuery(operands.join(" ")) : [];
    if (values.image !== "") terms.push({ value: { picture: values.image }, weight: 1 });
    if (terms.length === 0) throw new EncoderError("CONFIG_INVALID", "Expected words to look for, or --image.");
    const encoder = await createEncoder(pickSettings(encoderSettings, values), {}, { signal });
    try {
      const index = await openPictureIndex(absoluteFolder(indexPath(values.index)), encoder.manifest);
      try {
        const vectors = await Promise.all(terms.map((term) => vectorOf(term, encoder, signal)));
        const vector = combine(
          vectors,
          terms.map(({ weight }) => weight),
        );
        const { limit, offset, exact } = values;
        const found = await index.search({ vector, limit, offset, exact, filter: filterOf(values.filter) });
        const facts = await index.facts();
        const results = found.filter(({ score }) => score >= values.min).map((row) => localResult(row, facts));
        process.stdout.write(shown(results, values));
      } finally {
        index.close();
      }
    } finally {
      await encoder.close();
    }
  },
});

async function vectorOf({ value }: Term, encoder: Encoder, signal: AbortSignal): Promise<Float32Array> {
  if ("text" in value) return (await encoder.encodeTexts([value.text], { signal })).embeddings[0]!;
  const { picture } = value;
  const isUrl = /^https?:\/\//i.test(picture);
  const image = isUrl ? { url: picture } : await readPicture(withHome(picture));
  return (await encoder.encodeImages([image], { signal })).embeddings[0]!;
}

function filterOf(json: string): Filter | undefined {
  if (json === "") return undefined;
  try {
    const filter: unknown = JSON.parse(json);
    if (filter !== null && typeof filter === "object" && !Array.isArray(filter)) return filter as Filter; // just checked
  } catch {
    // It is told below.
  }
  throw new EncoderError("CONFIG_INVALID", "--filter: expected a JSON object.");
}

interface Form {
  paths: boolean;
  print0: boolean;
  json: boolean;
}

function shown(results: readonly Result[], { paths, print0, json }: Form): string | Uint8Array {
  if (json) return `${JSON.stringify({ results })}\n`;
  if (paths || print0) {
    const end = Buffer.from(print0 ? "\0" : "\n");
    const bytes = ({ path, url = "" }: Result) => (path === undefined ? Buffer.from(url) : pathOf(path));
    return Buffer.concat(results.flatMap((result) => [bytes(result), end])); // other programs want the name of the file
  }
  if (results.length === 0) return "nothing was found\n";
  return results.map(({ score, path, url }) => `${score.toFixed(4)}  ${printable(path ?? url ?? "")}\n`).join("");
}
