import type { Call } from "./call.ts";
import { holdsFile, splitAtFiles } from "./split-at-files.ts";

/** Writes the calls as one module for Node.js, Deno and Bun. */
export function asJavaScript(calls: Call[]): string {
  const requests = calls.map((call, at) => request(call, calls.length > 1 ? String(at + 1) : ""));
  const readsFiles = calls.some(({ body }) => body && ("fileName" in body || holdsFile(body.json)));
  const head = readsFiles ? [`import { readFile } from "node:fs/promises";`] : [];
  return [...head, ...requests].join("\n\n");
}

/** Writes one call; the number tells its constants from those of the others. */
function request({ url, body, needsKey }: Call, number: string): string {
  const response = `response${number}`;
  const reply = `reply${number}`;
  const headers: string[] = [];
  if (body) headers.push(`"content-type": ${JSON.stringify("json" in body ? "application/json" : body.type)}`);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the code of a template
  if (needsKey) headers.push("authorization: `Bearer ${process.env.API_KEY}`");
  const options = [
    ...(body ? [`  method: "POST",`] : []),
    ...(headers.length > 0 ? [`  headers: { ${headers.join(", ")} },`] : []),
    ...(body ? [`  body: ${contentOf(body)},`] : []),
  ];
  const call = options.length > 0 ? [`${JSON.stringify(url)}, {`, ...options, "});"] : [`${JSON.stringify(url)});`];
  return [
    `const ${response} = await fetch(${call.join("\n")}`,
    `const ${reply} = await ${response}.json();`,
    `if (!${response}.ok) throw new Error(${reply}.error);`,
    `console.log(${reply});`,
  ].join("\n");
}

function contentOf(body: NonNullable<Call["body"]>): string {
  if ("fileName" in body) return `await readFile(${JSON.stringify(body.fileName)})`;
  return `JSON.stringify(${literal(body.json).replaceAll("\n", "\n  ")})`;
}

/** JSON is JavaScript. */
function literal(value: unknown): string {
  const { pieces, files } = splitAtFiles(value, JSON.stringify(value).length <= 70 ? undefined : 2);
  return pieces
    .map((piece, at) => {
      const file = files[at];
      return file === undefined ? piece : `${piece}await readFile(${JSON.stringify(file)}, "base64")`;
    })
    .join("");
}
