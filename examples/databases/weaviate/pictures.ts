/** Searches a folder of pictures by words or by a picture, with Weaviate. README.md has the calls. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import weaviate, { generateUuid5 } from "weaviate-client";

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

const { model } = await ask("/info"); // Weaviate itself takes the number of dimensions from the first vector.
const name = `Pictures_${model.replace(/\W/g, "_")}`; // Vectors of two models never meet in one collection.
const { WEAVIATE_HOST: host = "localhost", WEAVIATE_PORT = 8080, WEAVIATE_GRPC_PORT = 50051 } = process.env;
const database = await weaviate.connectToLocal({ host, port: +WEAVIATE_PORT, grpcPort: +WEAVIATE_GRPC_PORT });
const pictures = database.collections.use<string, { path: string }>(name);
const idOf = (path: string) => generateUuid5(path);

async function index(folder: string) {
  if (!(await pictures.exists())) {
    const { configure } = weaviate;
    const vectorIndexConfig = configure.vectorIndex.hnsw({ distanceMetric: "cosine" });
    const properties = [{ name: "path", dataType: "text" as const, tokenization: "field" as const }];
    await database.collections.create({
      name,
      properties,
      vectorizers: configure.vectors.selfProvided({ vectorIndexConfig }),
    });
  }
  const names = await readdir(folder, { recursive: true });
  const paths = names
    .filter((name) => /\.(jpe?g|png|webp|gif|avif|heic)$/i.test(name))
    .map((name) => join(folder, name));
  while (paths.length > 0) {
    const rows = (await Promise.all(paths.splice(0, 8).map(encodeFile))).flat(); // The service makes batches of them.
    if (rows.length === 0) continue;
    const objects = rows.map(({ id, path, vector }) => ({ id, properties: { path }, vectors: vector }));
    const { hasErrors, errors } = await pictures.data.insertMany(objects);
    if (hasErrors) throw new Error(JSON.stringify(errors));
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
  const { objects } = await pictures.query.nearVector(vector, { limit: 5, returnMetadata: ["distance"] });
  for (const { metadata, properties } of objects) console.log((1 - metadata!.distance!).toFixed(3), properties.path);
}

const [command, argument = ""] = process.argv.slice(2);
if (command === "index") await index(argument);
else if (command === "words") await search(await encodeWords(argument));
else if (command === "picture") await search(await encodePicture(argument));
else console.error('usage: npx tsx pictures.ts index FOLDER | words "TEXT" | picture FILE');
await database.close();
