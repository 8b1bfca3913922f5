import { mkdir, readFile, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join, resolve } from "node:path";

/** The machine and versions that figures belong to. */
export function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} cores of ${cpu!.model.trim()}, ${memory} GiB, Node ${process.versions.node}`;
}

/** Writes bench/results/`name`.json. */
export async function writeResults(name: string, results: object): Promise<void> {
  const folder = resolve(import.meta.dirname, "results");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(results, null, 2)}\n`);
}

/** A Markdown table's lines. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->` on a page of docs/. */
export async function writeSection(page: string, name: string, lines: string[]): Promise<void> {
  const file = resolve(import.meta.dirname, "../docs", page);
  const text = await readFile(file, "utf8");
  const between = new RegExp(`(<!-- ${name} -->)[\\s\\S]*?(<!-- /${name} -->)`);
  if (!between.test(text)) throw new Error(`${page} has no section ${name}`);
  const section = `\n\n${lines.join("\n")}\n\n`;
  await writeFile(
    file,
    text.replace(between, (_all, start: string, end: string) => `${start}${section}${end}`),
  );
}
