import { readFile, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { resolve } from "node:path";

/** The machine and versions that figures belong to. */
export function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} cores of ${cpu!.model.trim()}, ${memory} GiB, Node ${process.versions.node}`;
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
