/** Searches a folder of pictures by words or by a picture, with Typesense. README.md has the calls. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "typesense";

const service = process.env.SERVICE_URL ?? "http://localhost:5555";

/** Asks the service, and throws its own sentence when it refuses. */
async function ask(path: string, body?: BodyInit) {
  const headers = { "content-type": typeof body === "string" ? "application/json" : "application/octet-stream" };
  const response = await fetch(service + path, body === undefined ? {} : { method: "POST", headers, body });
  const reply = await response.json();
  if (!response.ok) throw new Error(`${reply.code}: ${reply.error}`);
  return reply;
}
const encodeWords = async (text: string) => (await ask("/encode_text", JSON.stringify({ text }))).embedding;
const encodePicture = async (path: string) => (await ask("/encode_image", await readFile(path))).embedding;

const { model, dimensions } = await ask("/info");
const name = `pictures_${model}`; // Vectors of two models never meet in one collection.
const { TYPESENSE_URL: url = "http://localhost:8108", TYPESENSE_API_KEY: apiKey = "xyz" } = process.env;
const database = new Client({ nodes: [{ url }], apiKey, connectionTimeoutSeconds: 10 });
const idOf = (path: string) => createHash("sha256").update(path).digest("hex"); // An id must not have characters of URLs.

async function index(folder: string) {
  if (!(await database.collections(name).exists())) {
    const vector = { name: "vector", type: "float[]", num_dim: dimensions, vec_dist: "cosine" } as const;
    await database.collections().create({ name, fields: [{ name: "path", type: "string" }, vector] });
  }
  const names = await readdir(folder, { recursive: true });
  const paths = names
    .filter((name) => /\.(jpe?g|png|webp|gif|avif|heic)$/i.test(name))
    .map((name) => join(folder, name));
  while (paths.length > 0) {
    const rows = (await Promise.all(paths.splice(0, 8).map(encodeFile))).flat(); // The service makes batches of them.
    if (rows.length === 0) continue;
    await database.collections(name).documents().import(rows, { action: "upsert" });
  }
}

/** Gives one row, or none after a line on the terminal when the file is no picture. */
async function encodeFile(path: string) {
  try {
    return [{ id: idOf(path), path, vector: await encodePicture(path) }];
  } catch (error) {
    console.error(path, error);
    return [];
  }
}

/** Prints the five nearest pictures with their cosines. */
async function search(vector: number[]) {
  // A GET would hold the vector in its URL, which has at most 4,000 characters.
  const question = {
    collection: name,
    q: "*",
    vector_query: `vector:([${vector}], k:5)`,
    include_fields: "path",
    limit: 5,
  };
  const { results } = await database.multiSearch.perform<[{ path: string }]>({ searches: [question] });
  for (const hit of results[0].hits ?? []) {
    // Its types do not declare the distance that every hit of a vector_query has.
    const { document, vector_distance } = hit as typeof hit & { vector_distance: number };
    console.log((1 - vector_distance).toFixed(3), document.path);
  }
}

const [command, argument = ""] = process.argv.slice(2);
if (command === "index") await index(argument);
else if (command === "words") await search(await encodeWords(argument));
else if (command === "picture") await search(await encodePicture(argument));
else console.error('usage: npx tsx pictures.ts index FOLDER | words "TEXT" | picture FILE');
