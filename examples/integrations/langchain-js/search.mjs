/** Finds a title with LangChain: node search.mjs "WORDS". */
import { OpenAIEmbeddings } from "@langchain/openai";

const service = process.env.SERVICE_URL ?? "http://localhost:5555";
const embeddings = new OpenAIEmbeddings({
  model: "default",
  apiKey: process.env.API_KEY ?? "-", // The SDK insists on a key.
  configuration: { baseURL: `${service}/v1` },
});

const titles = ["guitar", "bicycle", "umbrella", "teapot"];
const [query, vectors] = await Promise.all([embeddings.embedQuery(process.argv[2]), embeddings.embedDocuments(titles)]);
const cosine = (vector) => vector.reduce((sum, value, i) => sum + value * query[i], 0); // of vectors of unit length
const found = titles.map((title, i) => ({ title, cosine: cosine(vectors[i]) })).sort((a, b) => b.cosine - a.cosine);
for (const { title, cosine } of found.slice(0, 2)) console.log(cosine.toFixed(3), title);
