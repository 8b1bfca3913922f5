import { type CallOptions, type Client, ServiceError } from "../../../src/client/client.ts";
import { isAboutConnection } from "./is-about-connection.ts";
import type { Picture, Progress } from "./picture.ts";

export interface EncodeJob {
  pictures: readonly Picture[];
  client: Client;
  bytesOf: (picture: Picture, signal: AbortSignal) => Promise<Blob>;
  maxBytes: number;
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

/** The service prepares some pictures while it encodes others; more at once would only crowd out other users. */
const requestsAtOnce = 4;

/** Encodes pictures in order, a few at a time. Each gets its vector or the reason why it has none. */
export async function encodePictures(job: EncodeJob): Promise<void> {
  const { pictures, signal, onProgress } = job;
  const progress: Progress = { done: 0, total: pictures.length, failed: 0 };
  const rest = pictures.values();
  /** Of each picture that was refused, the seconds to wait. Another that is encoded meanwhile does not end its wait. */
  const waits = new Map<Picture, number>();
  const report = () => onProgress({ ...progress, ...(waits.size > 0 && { waitSeconds: Math.min(...waits.values()) }) });

  async function work(): Promise<void> {
    for (const picture of rest) {
      await encodeOne(picture, job, ({ seconds }) => {
        waits.set(picture, seconds);
        report();
      });
      waits.delete(picture);
      progress.done++;
      if (picture.problem !== undefined) progress.failed++;
      report();
    }
  }

  report();
  const workers = Array.from({ length: requestsAtOnce }, work);
  await Promise.all(workers).catch((error) => {
    if (!signal.aborted) throw error;
  });
}

async function encodeOne(picture: Picture, job: EncodeJob, onRetry: CallOptions["onRetry"]): Promise<void> {
  const { client, bytesOf, maxBytes, signal } = job;
  signal.throwIfAborted();
  try {
    const bytes = await bytesOf(picture, signal);
    if (bytes.size > maxBytes) {
      picture.problem = `It has ${megabytes(bytes.size)}; the service takes at most ${megabytes(maxBytes)}.`;
      return;
    }
    const { embedding } = await client.encodeImage(bytes, { signal, onRetry });
    picture.vector = embedding;
    picture.problem = undefined;
  } catch (error) {
    if (signal.aborted) throw error;
    // Without the service the others would fail as well.
    if (isAboutConnection(error)) throw error;
    picture.problem = error instanceof ServiceError ? error.message : "The file cannot be read.";
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
