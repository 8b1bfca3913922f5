/** Searches a folder of pictures by words or by a picture, with Meilisearch. README.md has the calls. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Meilisearch } from "meilisearch";

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
const { MEILISEARCH_URL: host = "http://localhost:7700", MEILISEARCH_KEY: apiKey = "" } = process.env;
const database = new Meilisearch({ host, apiKey });
const pictures = database.index<{ path: string }>(`pictures_${model}`); // Vectors of two models never meet in one index.
const idOf = (path: string) => createHash("sha256").update(path).digest("hex"); // An id has letters, digits, - and _ only.

async function index(folder: string) {
  await pictures.updateEmbedders({ clip: { source: "userProvided", dimensions } }).waitTask();
  const names = await readdir(folder, { recursive: true });
  const paths = names
    .filter((name) => /\.(jpe?g|png|webp|gif|avif|heic)$/i.test(name))
    .map((name) => join(folder, name));
  while (paths.length > 0) {
    const rows = (await Promise.all(paths.splice(0, 8).map(encodeFile))).flat(); // The service makes batches of them.
    if (rows.length === 0) continue;
    const documents = rows.map(({ id, path, vector }) => ({ id, path, _vectors: { clip: [vector] } }));
    const { error } = await pictures.addDocuments(documents, { primaryKey: "id" }).waitTask();
    if (error) throw new Error(error.message);
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
  const hybrid = { embedder: "clip", semanticRatio: 1 };
  const { hits } = await pictures.search(null, { vector, hybrid, limit: 5, showRankingScore: true });
  for (const { _rankingScore, path } of hits) console.log((2 * _rankingScore! - 1).toFixed(3), path);
}

const [command, argument = ""] = process.argv.slice(2);
if (command === "index") await index(argument);
else if (command === "words") await search(await encodeWords(argument));
else if (command === "picture") await search(await encodePicture(argument));
else console.error('usage: npx tsx pictures.ts index FOLDER | words "TEXT" | picture FILE');
