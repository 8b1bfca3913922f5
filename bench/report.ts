import { mkdir, readFile, writeFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { join, resolve } from "node:path";
import { machineSummary, processorClass } from "../src/host/processor.ts";

/** Figures belong to this class: this machine's, unless bench/as-avx2.ts makes the runtime see another one. */
const simulated = process.env.BENCH_PROCESSOR_CLASS;
const classOfFigures = simulated ?? processorClass();

/** Names the machine and the versions that figures belong to. */
export function machine(): string {
  const seen = simulated === undefined ? "" : `, seen by the runtime as ${simulated}`;
  return `${machineSummary()}, ${Math.round(totalmem() / 2 ** 30)} GiB${seen}`;
}

const folder = resolve(import.meta.dirname, "results", classOfFigures.toLowerCase().replaceAll(" ", "-"));

/** Writes bench/results/CLASS/NAME.json, with one folder for each class of processor. */
export async function writeResults(name: string, results: object): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(results, null, 2)}\n`);
}

/** Gives what writeResults wrote last on this class of processor, if it did. */
export async function readResults(name: string): Promise<unknown> {
  const text = await readFile(join(folder, `${name}.json`), "utf8").catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

/** Gives the lines of a Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}

/**
 * Replaces what stands between `<!-- NAME CLASS -->` and `<!-- /NAME CLASS -->` on a page of docs/, which has one such
 * section for each class of processor.
 */
export async function writeSection(page: string, name: string, lines: string[]): Promise<void> {
  const file = resolve(import.meta.dirname, "../docs", page);
  const text = await readFile(file, "utf8");
  const section = `${name} ${classOfFigures}`;
  const [start, end] = [`<!-- ${section} -->`, `<!-- /${section} -->`];
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`docs/${page} has no section between ${start} and ${end}`);
  const body = `\n\n${lines.join("\n")}\n\n`;
  await writeFile(file, `${text.slice(0, from)}${start}${body}${text.slice(to)}`);
}
