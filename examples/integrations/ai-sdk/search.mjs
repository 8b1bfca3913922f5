/** Finds a title with the AI SDK: node search.mjs "WORDS". */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { cosineSimilarity, embed, embedMany } from "ai";

const service = process.env.SERVICE_URL ?? "http://localhost:5555";
const clip = createOpenAICompatible({ name: "clip", baseURL: `${service}/v1`, apiKey: process.env.API_KEY });
const model = clip.textEmbeddingModel("default");

const titles = ["guitar", "bicycle", "umbrella", "teapot"];
const { embeddings } = await embedMany({ model, values: titles });
const { embedding } = await embed({ model, value: process.argv[2] });
const found = titles.map((title, i) => ({ title, cosine: cosineSimilarity(embeddings[i], embedding) }));
found.sort((a, b) => b.cosine - a.cosine);
for (const { title, cosine } of found.slice(0, 2)) console.log(cosine.toFixed(3), title);
