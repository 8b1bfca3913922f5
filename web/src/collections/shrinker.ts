import { startWorker } from "../shell/start-worker.ts";
import type { ThumbnailReply, ThumbnailRequest } from "./thumbnail-worker.ts";
import workerUrl from "./thumbnail-worker.ts?worker&url";

const smallSide = 320;

/** Draws pictures small in workers, one for each call that is under way. */
export function createShrinker(): (file: Blob) => Promise<Blob | undefined> {
  const idle: Worker[] = [];
  return (file) =>
    new Promise((resolve) => {
      const worker = idle.pop() ?? startWorker(workerUrl);
      worker.onmessage = ({ data: { thumbnail } }: MessageEvent<ThumbnailReply>) => {
        idle.push(worker);
        resolve(thumbnail);
      };
      const request: ThumbnailRequest = { file, side: smallSide };
      worker.postMessage(request);
    });
}
