/** Searches a folder of pictures by words or by a picture, with Elasticsearch. README.md has the calls. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@elastic/elasticsearch";

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
const name = `pictures_${model}`; // Vectors of two models never meet in one index.
const { ELASTICSEARCH_URL: node = "http://localhost:9200", ELASTICSEARCH_API_KEY: apiKey } = process.env;
const database = new Client({ node, ...(apiKey && { auth: { apiKey } }) });
const idOf = (path: string) => createHash("sha256").update(path).digest("hex"); // An id has at most 512 bytes.

async function index(folder: string) {
  if (!(await database.indices.exists({ index: name }))) {
    const vector = { type: "dense_vector", dims: dimensions, index: true, similarity: "cosine" } as const;
    await database.indices.create({ index: name, mappings: { properties: { path: { type: "keyword" }, vector } } });
  }
  const names = await readdir(folder, { recursive: true });
  const paths = names
    .filter((name) => /\.(jpe?g|png|webp|gif|avif|heic)$/i.test(name))
    .map((name) => join(folder, name));
  while (paths.length > 0) {
    const rows = (await Promise.all(paths.splice(0, 8).map(encodeFile))).flat(); // The service makes batches of them.
    if (rows.length === 0) continue;
    const operations = rows.flatMap(({ id, ...row }) => [{ index: { _index: name, _id: id } }, row]);
    const { errors, items } = await database.bulk({ operations, refresh: true });
    if (errors) throw new Error(JSON.stringify(items.find(({ index }) => index?.error)));
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
  const knn = { field: "vector", query_vector: vector, k: 5, num_candidates: 100 };
  const { hits } = await database.search<{ path: string }>({ index: name, knn, size: 5, _source: ["path"] });
  for (const { _score, _source } of hits.hits) console.log((2 * _score! - 1).toFixed(3), _source!.path);
}

const [command, argument = ""] = process.argv.slice(2);
if (command === "index") await index(argument);
else if (command === "words") await search(await encodeWords(argument));
else if (command === "picture") await search(await encodePicture(argument));
else console.error('usage: npx tsx pictures.ts index FOLDER | words "TEXT" | picture FILE');
