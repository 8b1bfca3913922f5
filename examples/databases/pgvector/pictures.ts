/** Searches a folder of pictures by words or by a picture, with PostgreSQL and pgvector. README.md has the calls. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import pg from "pg";

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

interface Database {
  query(sql: string, values?: unknown[]): Promise<{ rows: { path: string; cosine: number }[] }>;
  close(): Promise<void>;
}

/** Opens the server that DATABASE_URL names, or else a PostgreSQL of its own in the folder pictures.db. */
async function connect(): Promise<Database> {
  const { DATABASE_URL: connectionString } = process.env;
  if (!connectionString) return PGlite.create({ dataDir: "pictures.db", extensions: { vector } });
  const pool = new pg.Pool({ connectionString });
  return { query: (sql, values) => pool.query(sql, values), close: () => pool.end() };
}

const { model, dimensions } = await ask("/info");
const table = `"pictures_${model}"`; // Vectors of two models never meet in one table.
const database = await connect();

async function index(folder: string) {
  await database.query("CREATE EXTENSION IF NOT EXISTS vector");
  await database.query(`CREATE TABLE IF NOT EXISTS ${table} (path text PRIMARY KEY, embedding vector(${dimensions}))`);
  const names = await readdir(folder, { recursive: true });
  const paths = names
    .filter((name) => /\.(jpe?g|png|webp|gif|avif|heic)$/i.test(name))
    .map((name) => join(folder, name));
  while (paths.length > 0) await Promise.all(paths.splice(0, 8).map(insert)); // The service makes batches of them.
  await database.query(
    `CREATE INDEX IF NOT EXISTS "hnsw_${model}" ON ${table} USING hnsw (embedding vector_cosine_ops)`,
  );
}

/** A file that is no picture gets a line on the terminal, and the others go on. */
async function insert(path: string) {
  try {
    const embedding = await encodePicture(path);
    await database.query(
      `INSERT INTO ${table} VALUES ($1, $2) ON CONFLICT (path) DO UPDATE SET embedding = EXCLUDED.embedding`,
      [path, JSON.stringify(embedding)],
    );
  } catch (error) {
    console.error(path, error);
  }
}

/** Prints the five nearest pictures with their cosines; <=> is pgvector's cosine distance. */
async function search(embedding: number[]) {
  const { rows } = await database.query(
    `SELECT path, 1 - (embedding <=> $1) AS cosine FROM ${table} ORDER BY embedding <=> $1 LIMIT 5`,
    [JSON.stringify(embedding)],
  );
  for (const { path, cosine } of rows) console.log(cosine.toFixed(3), path);
}

const [command, argument = ""] = process.argv.slice(2);
if (command === "index") await index(argument);
else if (command === "words") await search(await encodeWords(argument));
else if (command === "picture") await search(await encodePicture(argument));
else console.error('usage: npx tsx pictures.ts index FOLDER | words "TEXT" | picture FILE');
await database.close();
