/**
 * What people write by hand in JavaScript: Transformers.js behind node:http, with the same two routes as the service.
 *
 *   node transformers_js_service.mjs FOLDER MODELS PORT
 *
 * FOLDER is where `npm install @huggingface/transformers` was run; MODELS is what export_onnx.py wrote.
 */
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [folder, models, port] = process.argv.slice(2);
const library = createRequire(`${resolve(folder)}/`).resolve("@huggingface/transformers");
const { AutoModel, AutoProcessor, AutoTokenizer, CLIPVisionModelWithProjection, env, RawImage } = await import(library);
env.localModelPath = resolve(models);
env.allowRemoteModels = false;

const options = { dtype: "fp32" };
const vision = await CLIPVisionModelWithProjection.from_pretrained("image", options);
const processor = await AutoProcessor.from_pretrained("image");
const sentence = await AutoModel.from_pretrained("text", options);
const tokenizer = await AutoTokenizer.from_pretrained("text");

const embed = {
  async "/encode_image"({ image_b64 }) {
    const picture = await RawImage.fromBlob(new Blob([Buffer.from(image_b64, "base64")]));
    return (await vision(await processor(picture))).image_embeds;
  },
  async "/encode_text"({ text }) {
    return (await sentence(await tokenizer(text, { padding: true, truncation: true }))).embedding;
  },
};

const server = createServer(async (request, response) => {
  response.setHeader("content-type", "application/json");
  try {
    if (request.url === "/health") return response.end('{"status":"healthy"}');
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const vector = await embed[request.url](JSON.parse(Buffer.concat(chunks)));
    response.end(JSON.stringify({ success: true, embedding: Array.from(vector.normalize().data) }));
  } catch (error) {
    response.writeHead(500).end(JSON.stringify({ success: false, error: String(error) }));
  }
});
server.listen(Number(port), "127.0.0.1");
