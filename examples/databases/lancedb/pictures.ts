/** Searches a folder of pictures by words or by a picture, with LanceDB. README.md has the calls. */
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { connect } from "@lancedb/lancedb";
import { Field, FixedSizeList, Float32, Schema, Utf8 } from "apache-arrow";

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
const name = `pictures_${model}`; // Vectors of two models never meet in one table.
const database = await connect(resolve("pictures.db")); // A path that begins with "db" would mean LanceDB's cloud.

async function index(folder: string) {
  const vector = new FixedSizeList(dimensions, new Field("item", new Float32(), true));
  const schema = new Schema([new Field("path", new Utf8(), false), new Field("vector", vector, false)]);
  const table = await database.createEmptyTable(name, schema, { existOk: true });
  const names = await readdir(folder, { recursive: true });
  const paths = names
    .filter((name) => /\.(jpe?g|png|webp|gif|avif|heic)$/i.test(name))
    .map((name) => join(folder, name));
  while (paths.length > 0) {
    const rows = (await Promise.all(paths.splice(0, 8).map(encodeFile))).flat(); // The service makes batches of them.
    if (rows.length === 0) continue;
    await table.mergeInsert("path").whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(rows);
  }
  await table.optimize(); // It joins the many small files that the inserts have written.
}

/** Gives one row, or none after a line on the terminal when the file is no picture. */
async function encodeFile(path: string) {
  try {
    return [{ path, vector: await encodePicture(path) }];
  } catch (error) {
    console.error(path, error);
    return [];
  }
}

/** Prints the five nearest pictures with their cosines. */
async function search(embedding: number[]) {
  const table = await database.openTable(name);
  const rows = await table
    .vectorSearch(embedding)
    .distanceType("cosine")
    .select(["path", "_distance"])
    .limit(5)
    .toArray();
  for (const { path, _distance } of rows) console.log((1 - _distance).toFixed(3), path);
}

const [command, argument = ""] = process.argv.slice(2);
if (command === "index") await index(argument);
else if (command === "words") await search(await encodeWords(argument));
else if (command === "picture") await search(await encodePicture(argument));
else console.error('usage: npx tsx pictures.ts index FOLDER | words "TEXT" | picture FILE');
