import type { Call } from "./call.ts";

/** Writes it as a module for Node.js, Deno and Bun. */
export function asJavaScript({ url, body, needsKey }: Call): string {
  const type = "json" in body ? "application/json" : body.type;
  const headers = [`"content-type": ${JSON.stringify(type)}`];
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the code of a template
  if (needsKey) headers.push("authorization: `Bearer ${process.env.API_KEY}`");
  const content =
    "json" in body
      ? `JSON.stringify(${indent(literal(body.json))})`
      : `await readFile(${JSON.stringify(body.fileName)})`;
  return [
    ...("json" in body ? [] : [`import { readFile } from "node:fs/promises";`, ""]),
    `const response = await fetch(${JSON.stringify(url)}, {`,
    `  method: "POST",`,
    `  headers: { ${headers.join(", ")} },`,
    `  body: ${content},`,
    "});",
    "const reply = await response.json();",
    "if (!response.ok) throw new Error(reply.error);",
    "console.log(reply);",
  ].join("\n");
}

/** JSON is JavaScript. */
function literal(value: unknown): string {
  const short = JSON.stringify(value);
  return short.length <= 70 ? short : JSON.stringify(value, null, 2);
}

const indent = (text: string) => text.replaceAll("\n", "\n  ");
