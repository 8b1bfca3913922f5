/** Searches a folder of pictures by words or by a picture, with Chroma. README.md has the calls. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ChromaClient } from "chromadb";

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
const database = new ChromaClient({ host: "localhost", port: Number(process.env.CHROMA_PORT ?? 8000) });
const collection = await database.getOrCreateCollection({
  name: `pictures_${model}`, // Vectors of two models never meet in one collection.
  configuration: { hnsw: { space: "cosine" } },
  metadata: { dimensions }, // Chroma itself takes the number from the first vector.
  embeddingFunction: null, // Vectors are passed in; otherwise Chroma would look for its own model.
});

async function index(folder: string) {
  const names = await readdir(folder, { recursive: true });
  const paths = names
    .filter((name) => /\.(jpe?g|png|webp|gif|avif|heic)$/i.test(name))
    .map((name) => join(folder, name));
  while (paths.length > 0) {
    const rows = (await Promise.all(paths.splice(0, 8).map(encodeFile))).flat(); // The service makes batches of them.
    if (rows.length === 0) continue;
    await collection.upsert({ ids: rows.map(({ path }) => path), embeddings: rows.map(({ embedding }) => embedding) });
  }
}

/** Gives one row, or none after a line on the terminal when the file is no picture. */
async function encodeFile(path: string) {
  try {
    return [{ path, embedding: await encodePicture(path) }];
  } catch (error) {
    console.error(path, error);
    return [];
  }
}

/** Prints the five nearest pictures with their cosines. */
async function search(embedding: number[]) {
  const results = await collection.query({ queryEmbeddings: [embedding], nResults: 5, include: ["distances"] });
  for (const { id, distance } of results.rows()[0]!) console.log((1 - distance!).toFixed(3), id);
}

const [command, argument = ""] = process.argv.slice(2);
if (command === "index") await index(argument);
else if (command === "words") await search(await encodeWords(argument));
else if (command === "picture") await search(await encodePicture(argument));
else console.error('usage: npx tsx pictures.ts index FOLDER | words "TEXT" | picture FILE');
