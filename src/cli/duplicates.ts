import { duplicatesSettings, indexPath } from "../config/bulk.ts";
import { printable } from "../model/path-name.ts";
import { findDuplicates } from "../search/duplicates.ts";
import { readFacts } from "../search/index-facts.ts";
import { localResult } from "../search/results.ts";
import { openVectorStore } from "../search/vector-store.ts";
import { absoluteFolder } from "./absolute-folder.ts";
import { command } from "./command.ts";
import { count } from "./progress-text.ts";

export const duplicates = command({
  summary: "Find groups of near-identical pictures in an index",
  examples: [
    ["duplicates", "Groups of pictures whose cosine is at least 0.97, with = before those of the same bytes."],
    ["duplicates --min 0.9 --json", "The same as JSON, for looser groups."],
  ],
  settings: duplicatesSettings,
  async run({ values, signal }) {
    const directory = absoluteFolder(indexPath(values.index));
    const facts = await readFacts(directory);
    const store = await openVectorStore(directory, facts.dimensions);
    try {
      const pictures = await store.count();
      const onProgress = (done: number) => {
        if (process.stderr.isTTY) process.stderr.write(`\r\x1b[Kcompared ${count(done)} of ${count(pictures)}`);
      };
      const found = await findDuplicates(store, { min: values.min, signal, onProgress });
      if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
      const groups = found.map((group) =>
        group.map(({ row, score, sameBytes }) => {
          const { path, url } = localResult({ ...row, score, columns: {} }, facts);
          return { path: path ?? url ?? "", score, same_bytes: sameBytes };
        }),
      );
      if (values.json) process.stdout.write(`${JSON.stringify({ groups })}\n`);
      else process.stdout.write(groups.length === 0 ? "no duplicates\n" : groups.map(groupLines).join("\n"));
    } finally {
      store.close();
    }
  },
});

function groupLines(group: readonly { path: string; score: number; same_bytes: boolean }[]): string {
  const isRepeated = group.slice(1).some(({ same_bytes }) => same_bytes); // the first one always has its own bytes
  const lines = group.map(({ path, score, same_bytes }) => {
    const sign = same_bytes && isRepeated ? "=" : " ";
    return `${score.toFixed(4)} ${sign} ${printable(path)}\n`;
  });
  return lines.join("");
}
