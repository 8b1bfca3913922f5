/** Runs as the thread of an engine of pictures, which decodes small JPEGs beside its graph. */
import { workerData } from "node:worker_threads";
import { serveGraph } from "../engine/serve-graph.ts";
import { createPlainPreprocessor, type PlainPreprocessor } from "../image/plain-jpeg.ts";
import type { PictureThreadData } from "./picture-engine.ts";

const { spec, maxImagePixels } = workerData as PictureThreadData;
let preprocess: PlainPreprocessor | undefined;

await serveGraph((file, row) => {
  try {
    preprocess ??= createPlainPreprocessor(spec, { maxImagePixels });
    return preprocess(file, row) !== undefined;
  } catch {
    preprocess = undefined; // its kernels may be left in any state
    return false;
  }
});
