import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { followReadme } from "./support/follow-readme.ts";

interface Notebook {
  cells: { outputs?: { output_type: string; text?: string[] }[] }[];
}

it("the examples in Python search, compare and encode a column, and the notebook runs", async () => {
  const { folder, steps } = await followReadme("python");
  const outputOf = (file: string) => steps.find(({ command }) => command.includes(file))!.output;
  expect(outputOf("with_requests.py")).toMatch(/^0\.\d+ .*\/zebra-/);
  expect(outputOf("with_openai.py")).toMatch(/^0\.\d+ an elephant\n/);
  expect(outputOf("with_pandas.py").split("\n")[1]).toMatch(/bicycle +349$/);

  const notebook: Notebook = JSON.parse(await readFile(join(folder, "search_a_folder.ipynb"), "utf8"));
  const outputs = notebook.cells.flatMap((cell) => cell.outputs ?? []);
  expect(outputs.filter(({ output_type }) => output_type === "error")).toEqual([]);
  const printed = outputs.filter(({ output_type }) => output_type === "stream").map(({ text }) => text!.join(""));
  // Each search prints its best picture first.
  const searches = printed.join("").match(/^(zebra|0\.\d+ zebra|0\.\d+ penguin|1\.000 elephant)-.*$/gm);
  expect(searches).toHaveLength(3);
});
