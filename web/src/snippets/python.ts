import type { Call } from "./call.ts";

/** As a Python program that needs nothing but the requests library. */
export function asPython({ url, body, needsKey }: Call): string {
  const headers = [...("json" in body ? [] : [`"content-type": ${JSON.stringify(body.type)}`])];
  if (needsKey) headers.push(`"authorization": f"Bearer {os.environ['API_KEY']}"`);
  const content = "json" in body ? `json=${literal(body.json)}` : `data=open(${quotePython(body.fileName)}, "rb")`;
  return [
    ...(needsKey ? ["import os"] : []),
    "import requests",
    "",
    "response = requests.post(",
    `    ${quotePython(url)},`,
    ...(headers.length > 0 ? [`    headers={${headers.join(", ")}},`] : []),
    `    ${content.replaceAll("\n", "\n    ")},`,
    ")",
    "response.raise_for_status()",
    "print(response.json())",
  ].join("\n");
}

function literal(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
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
