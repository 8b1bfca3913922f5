/** Base64 with what both browsers and Node have; Buffer is Node's alone. */

/** A vector as the service writes it: base64 of little-endian float32s, as on every processor that browsers run on. */
export function vectorOf(base64: string): Float32Array {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** As many characters as one call may have arguments, in every engine. */
const mostArguments = 32_768;

export function base64Of(bytes: Uint8Array): string {
  let characters = "";
  for (let at = 0; at < bytes.length; at += mostArguments) {
    characters += String.fromCharCode(...bytes.subarray(at, at + mostArguments));
  }
  return btoa(characters);
}

/** JSON in which bytes may stand wherever the service takes base64, and a Float32Array wherever it takes numbers. */
export async function jsonOf(value: unknown): Promise<string> {
  return JSON.stringify(await plain(value));
}

async function plain(value: unknown): Promise<unknown> {
  if (value instanceof Blob) return base64Of(new Uint8Array(await value.arrayBuffer()));
  if (value instanceof Uint8Array) return base64Of(value);
  if (value instanceof Float32Array) return [...value];
  if (Array.isArray(value)) return Promise.all(value.map(plain));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(async ([key, field]) => [key, await plain(field)] as const);
  return Object.fromEntries(await Promise.all(entries));
}
