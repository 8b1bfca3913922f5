import type { Call } from "./call.ts";
import { splitAtFiles } from "./split-at-files.ts";

/** Writes each call as a command for POSIX shells. */
export function asCurl(calls: Call[]): string {
  return calls.map(command).join("\n\n");
}

function command({ url, body, needsKey }: Call): string {
  const lines = [`curl -s ${quoteShell(url)}`];
  if (needsKey) lines.push(`-H "authorization: Bearer $API_KEY"`); // double quotes: the shell fills the key in
  if (!body) return lines.join(" \\\n  ");
  if ("fileName" in body) {
    const fields = [`content-type: ${body.type}`, `@${body.fileName}`].map(quoteShell);
    return [...lines, `-H ${fields[0]}`, `--data-binary ${fields[1]}`].join(" \\\n  ");
  }
  lines.push(`-H 'content-type: application/json'`);
  const parts = partsOf(body.json);
  if (parts.length === 1) return [...lines, `-d ${parts[0]}`].join(" \\\n  ");
  // A file would be too long for an argument, so that curl reads the body from what is printed.
  const printed = parts.map((part) => `  ${part};`).join("\n");
  return `{\n${printed}\n} | ${[...lines, "-d @-"].join(" \\\n  ")}`;
}

/** Gives JSON in one piece, or the commands that print it, with what is read from files between. */
function partsOf(json: unknown): string[] {
  const { pieces, files } = splitAtFiles(json);
  if (files.length === 0) return pieces.map(quoteShell);
  return pieces.flatMap((piece, at) => {
    const file = files[at];
    const text = `${at > 0 ? '"' : ""}${piece}${file === undefined ? "" : '"'}`;
    const print = `printf %s ${quoteShell(text)}`;
    return file === undefined ? [print] : [print, `base64 < ${quoteShell(file)} | tr -d '\\n'`];
  });
}

/** Between single quotes a shell changes nothing; a single quote itself stands outside, behind a backslash. */
export function quoteShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
