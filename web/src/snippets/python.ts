import { type Call, FileInBase64 } from "./call.ts";
import { holdsFile } from "./split-at-files.ts";

/** Writes the calls as a Python program that needs nothing but the requests library. */
export function asPython(calls: Call[]): string {
  const requests = calls.map(request);
  const modules = [
    ...(calls.some(({ body }) => body && "json" in body && holdsFile(body.json)) ? ["import base64"] : []),
    ...(calls.some(({ needsKey }) => needsKey) ? ["import os"] : []),
    "import requests",
  ];
  return [modules.join("\n"), ...requests].join("\n\n");
}

function request({ url, body, needsKey }: Call): string {
  const headers: string[] = [];
  if (body && "fileName" in body) headers.push(`"content-type": ${JSON.stringify(body.type)}`);
  if (needsKey) headers.push(`"authorization": f"Bearer {os.environ['API_KEY']}"`);
  return [
    `response = requests.${body ? "post" : "get"}(`,
    `    ${quotePython(url)},`,
    ...(headers.length > 0 ? [`    headers={${headers.join(", ")}},`] : []),
    ...(body ? [`    ${contentOf(body).replaceAll("\n", "\n    ")},`] : []),
    ")",
    "response.raise_for_status()",
    "print(response.json())",
  ].join("\n");
}

function contentOf(body: NonNullable<Call["body"]>): string {
  return "json" in body ? `json=${literal(body.json)}` : `data=open(${quotePython(body.fileName)}, "rb")`;
}

function literal(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (value instanceof FileInBase64) {
    return `base64.b64encode(open(${quotePython(value.fileName)}, "rb").read()).decode()`;
  }
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value)
      .map(([key, item]) => `${quotePython(key)}: ${literal(item)}`)
      .join(", ")}}`;
  }
  return typeof value === "string" ? quotePython(value) : String(value);
}

/** JSON's escapes are Python's, but for characters beyond the 16-bit plane, which JSON leaves as they are. */
export function quotePython(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ud800-\udfff]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
