/**
 * Draws the figure of the README from bench/results/: what the service does per second on each class of processor, beside
 * its peers of the same run. `npm run docs` writes it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { short, spread } from "./spread.ts";

const results = resolve(import.meta.dirname, "results");

const panels = [
  { title: "Images per second", figure: "images/s, 16 connections" },
  { title: "Texts per second", figure: "texts/s, 32 connections" },
];

/** The names of the contenders in the results, in the order of the figure, and what the figure calls them. */
const contenders: Record<string, { label: string; colour: string }> = {
  int8: { label: "Image-Text Encoder, int8", colour: "#1f6f54" },
  fp32: { label: "Image-Text Encoder, fp32", colour: "#5fb08f" },
  "Transformers.js, fp32": { label: "Transformers.js + node:http", colour: "#b9bec4" },
  "Infinity 0.0.78, PyTorch": { label: "Infinity, PyTorch", colour: "#b9bec4" },
  "Flask, PyTorch fp32": { label: "sentence-transformers + Flask", colour: "#b9bec4" },
  "faster-clip behind Flask, int8": { label: "faster-clip + Flask, int8", colour: "#b9bec4" },
  "faster-clip 0.4, int8, in process": { label: "faster-clip, int8, in process", colour: "#b9bec4" },
};

const width = 880;
const labelWidth = 218;
const panelWidth = 300;
const barHeight = 18;
const rowHeight = 24;

interface Run {
  machine: string;
  date?: string;
  measured: Record<string, Record<string, number[]>>;
}

export function throughputFigure(): string {
  const runs = readdirSync(results)
    .sort()
    .map((folder) => JSON.parse(readFileSync(join(results, folder, "http.json"), "utf8")) as Run); // as bench/run.ts writes it
  const parts: string[] = [];
  const text = (x: number, y: number, content: string, style = "") =>
    parts.push(`<text x="${x}" y="${y}"${style && ` ${style}`}>${content}</text>`);
  const bold = 'font-weight="600"';

  panels.forEach(({ title }, column) => {
    text(labelWidth + column * (panelWidth + 30), 28, title, bold);
  });
  let y = 56;
  for (const run of runs) {
    const [heading, ...rest] = [run.machine, ...(run.date ? [run.date.slice(0, 10)] : [])];
    text(16, y, [heading, ...rest].join(", "), `${bold} fill="#57606a"`);
    y += 10;
    for (const [name, { label, colour }] of Object.entries(contenders)) {
      const figures = run.measured[name];
      if (!figures) continue;
      text(labelWidth - 10, y + 14, label, 'text-anchor="end"');
      panels.forEach(({ figure }, column) => {
        const values = figures[figure];
        if (!values) return;
        const { median } = spread(values);
        const x = labelWidth + column * (panelWidth + 30);
        const length = Math.max(1, Math.round((median / highest(runs, figure)) * (panelWidth - 44)));
        parts.push(`<rect x="${x}" y="${y}" width="${length}" height="${barHeight}" rx="2" fill="${colour}"/>`);
        text(x + length + 6, y + 14, short(median));
      });
      y += rowHeight;
    }
    y += 26;
  }
  const conditions = "Over HTTP, the load generator on the same two cores: 640x480 JPEGs with 16 connections,";
  text(16, y - 4, `${conditions} sentences of eight words with 32.`, 'fill="#57606a"');
  const font = 'font-family="system-ui, sans-serif" font-size="13" fill="#1f2328"';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 14}" ${font}>
<title>Images and texts per second on three classes of processor</title>
<rect width="100%" height="100%" rx="6" fill="#ffffff"/>
${parts.join("\n")}
</svg>
`;
}

/** Finds the figure of the longest bar. */
function highest(runs: readonly Run[], figure: string): number {
  const drawn = runs.flatMap(({ measured }) => Object.keys(contenders).map((name) => measured[name]?.[figure]));
  return Math.max(...drawn.flatMap((values) => (values ? [spread(values).median] : [])));
}
