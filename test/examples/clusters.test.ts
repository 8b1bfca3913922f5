import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { copyExample, linesOfBlocks, runLine } from "./support/follow-readme.ts";

/** Prints what a run wrote: for each picture its name, the length of its vector, and its error or an empty string. */
const table = `
import sys, pyarrow.parquet
for row in pyarrow.parquet.read_table(sys.argv[1]).to_pylist():
    print(row["path"].rsplit("/")[-1], len(row["vector"] or []), row["error"] or "", sep="\t")
`;

it.each(["ray", "spark", "daft"])(
  "the example for %s encodes a folder in local mode, as the README says",
  async (name) => {
    const folder = await copyExample("clusters");
    const gallery = join(folder, "../../web/public/gallery");
    await writeFile(join(gallery, "broken.webp"), "no picture");
    const pictures = (await readdir(gallery)).sort();
    await writeFile(join(folder, "table.py"), table);

    const settings = { PYSPARK_PYTHON: join(folder, ".venv/bin/python") };
    let output = "";
    for (const line of linesOfBlocks(await readFile(join(folder, "README.md"), "utf8"), "sh")) {
      output = await runLine(line.replaceAll("ray/", `${name}/`), { folder, settings });
    }
    expect(output).toMatch(new RegExp(`^${pictures.length - 1} vectors; 0\\.\\d+ .*/zebra-.*`, "m"));

    const rows = (await runLine(".venv/bin/python table.py vectors", { folder })).split("\n").slice(0, -1).sort();
    expect(rows.map((row) => row.split("\t")[0])).toEqual(pictures); // each once
    for (const row of rows) {
      const [path, length, error] = row.split("\t");
      if (path === "broken.webp") expect(error).toMatch(/image|picture/i);
      else expect([path, length, error]).toEqual([path, "512", ""]);
    }
  },
);
