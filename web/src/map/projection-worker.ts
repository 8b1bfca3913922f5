import { UMAP } from "umap-js";
import { principalComponents, type Rows } from "./pca.ts";
import { placeByNeighbours } from "./place-by-neighbours.ts";
import { createRandom } from "./random.ts";

export interface ProjectionReply {
  /** x and y of each row. */
  points: Float32Array;
  isFinal: boolean;
}

/** UMAP's time grows faster than its input; beyond this the rest is placed by its neighbours. */
const mostLaidOut = 5000;
/** UMAP reads so many directions of a vector: those beyond hold little but noise. */
const components = 32;
/** Counts the steps between two pictures of the way there. */
const epochsPerReply = 10;

/** Answers with the principal components at once, then with UMAP's layout as it forms. */
self.onmessage = ({ data }: MessageEvent<Rows>) => {
  const reduced = principalComponents(data, Math.min(components, data.count, data.width));
  reply(firstTwo(reduced), data.count < 4);
  if (data.count >= 4) layOut(reduced);
};

function layOut(rows: Rows): void {
  const { count, width, values } = rows;
  const sample = sampleOf(count);
  const points = sample.map((row) => Array.from(values.subarray(row * width, (row + 1) * width)));
  const umap = new UMAP({
    nNeighbors: Math.min(15, sample.length - 1),
    minDist: 0.6,
    spread: 1.5,
    random: createRandom(1),
  });
  const epochs = umap.initializeFit(points);
  for (let epoch = 1; epoch <= epochs; epoch++) {
    umap.step();
    const isLast = epoch === epochs;
    if (!isLast && (epoch % epochsPerReply !== 0 || sample.length < count)) continue;
    reply(placeByNeighbours(rows, sample, umap.getEmbedding()), isLast);
  }
}

/** Takes rows at equal distances, so that all parts of the collection are in the sample. */
function sampleOf(count: number): number[] {
  const step = Math.max(1, count / mostLaidOut);
  return Array.from({ length: Math.min(count, mostLaidOut) }, (_, index) => Math.floor(index * step));
}

function firstTwo({ values, count, width }: Rows): Float32Array {
  const points = new Float32Array(2 * count);
  for (let row = 0; row < count; row++) {
    points[2 * row] = values[row * width]!;
    points[2 * row + 1] = width > 1 ? values[row * width + 1]! : 0;
  }
  return points;
}

function reply(points: Float32Array, isFinal: boolean): void {
  const message: ProjectionReply = { points, isFinal };
  self.postMessage(message, { transfer: [points.buffer] });
}
