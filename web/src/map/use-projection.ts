import { useEffect, useState } from "preact/hooks";
import type { Picture } from "../collections/picture.ts";
import { startWorker } from "../shell/start-worker.ts";
import type { Rows } from "./pca.ts";
import type { ProjectionReply } from "./projection-worker.ts";
import workerUrl from "./projection-worker.ts?worker&url";
import { normalise } from "./viewport.ts";

export interface Projection {
  pictures: Picture[];
  /** x and y of each picture, from 0 to 1. */
  points: Float32Array;
  isFinal: boolean;
}

/** Arranging more than these takes longer than anyone waits before an empty map. */
const mostAwaited = 2000;

/** Places pictures on a plane, the alike near each other: first by principal components, then by UMAP as it forms. */
export function useProjection(pictures: readonly Picture[]): Projection | undefined {
  const [projection, setProjection] = useState<Projection>();
  const encoded = pictures.filter(({ vector }) => vector);
  const key = `${encoded.length} ${encoded[0]?.id}`;

  // The key says when the pictures differ.
  useEffect(() => {
    setProjection(undefined);
    if (encoded.length === 0) return;
    const worker = startWorker(workerUrl);
    const showsSteps = encoded.length > mostAwaited || !matchMedia("(prefers-reduced-motion: reduce)").matches;
    worker.onmessage = ({ data: { points, isFinal } }: MessageEvent<ProjectionReply>) => {
      if (isFinal || showsSteps) setProjection({ pictures: encoded, points: normalise(points), isFinal });
    };
    const rows = rowsOf(encoded);
    worker.postMessage(rows, [rows.values.buffer]);
    return () => worker.terminate();
  }, [key]);

  return projection;
}

function rowsOf(pictures: Picture[]): Rows {
  const width = pictures[0]!.vector!.length;
  const values = new Float32Array(pictures.length * width);
  for (const [index, { vector }] of pictures.entries()) values.set(vector!, index * width);
  return { values, count: pictures.length, width };
}
