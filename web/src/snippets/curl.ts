import type { Call } from "./call.ts";

/** Writes it as a command for POSIX shells. */
export function asCurl({ url, body, needsKey }: Call): string {
  const lines = [`curl -s ${quoteShell(url)}`];
  if (needsKey) lines.push(`-H "authorization: Bearer $API_KEY"`); // double quotes: the shell fills the key in
  if ("json" in body) {
    lines.push(`-H 'content-type: application/json'`, `-d ${quoteShell(JSON.stringify(body.json))}`);
  } else {
    lines.push(`-H ${quoteShell(`content-type: ${body.type}`)}`, `--data-binary ${quoteShell(`@${body.fileName}`)}`);
  }
  return lines.join(" \\\n  ");
}

/** Between single quotes a shell changes nothing; a single quote itself stands outside, behind a backslash. */
export function quoteShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
