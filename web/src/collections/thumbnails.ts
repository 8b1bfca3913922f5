import type { Client } from "../client/client.ts";
import { startWorker } from "../shell/start-worker.ts";
import type { Picture } from "./picture.ts";
import type { ThumbnailReply, ThumbnailRequest } from "./thumbnail-worker.ts";
import workerUrl from "./thumbnail-worker.ts?worker&url";

/** Gives addresses under which pictures can be shown. */
export interface Thumbnails {
  /** Undefined where the browser cannot draw the picture, or the service does not give it. */
  url(picture: Picture, size: "small" | "large"): Promise<string | undefined>;
  /** The address, where it is known already: so that scrolling back shows no gap. */
  known(picture: Picture): string | undefined;
}

/** Some twenty screens of tiles; those seen longest ago are dropped, for a folder may hold thousands. */
const mostKept = 1500;
const smallSide = 320;

export function createThumbnails(client: Client): Thumbnails {
  const kept = new Map<string, Promise<string | undefined>>();
  const settled = new Map<string, string>();
  const shrink = createShrinker();

  async function make(picture: Picture, size: "small" | "large"): Promise<string | undefined> {
    const { origin } = picture;
    if (origin.kind === "gallery") return origin.url;
    if (origin.kind === "file" && size === "large") return (await canBeDrawn(origin.file)) && addressOf(origin.file);
    const blob =
      origin.kind === "file"
        ? await shrink(origin.file)
        : await client.picture(origin.id, size === "small" ? 256 : 1600, { onWait: () => {} }).catch(() => undefined);
    return blob && addressOf(blob);
  }

  function forgetOldest(): void {
    for (const [key, url] of kept) {
      if (kept.size <= mostKept) return;
      kept.delete(key);
      settled.delete(key);
      url.then((address) => address?.startsWith("blob:") && URL.revokeObjectURL(address));
    }
  }

  return {
    url(picture, size) {
      const key = `${size} ${picture.id}`;
      const url = kept.get(key) ?? make(picture, size);
      kept.delete(key);
      kept.set(key, url); // a Map keeps the order of insertion: the oldest comes first
      url.then((address) => address && kept.has(key) && settled.set(key, address));
      forgetOldest();
      return url;
    },
    known: (picture) => (picture.origin.kind === "gallery" ? picture.origin.url : settled.get(`small ${picture.id}`)),
  };
}

const addressOf = (blob: Blob) => URL.createObjectURL(blob);

async function canBeDrawn(file: Blob): Promise<undefined | true> {
  const image = new Image();
  const url = addressOf(file);
  image.src = url;
  try {
    await image.decode();
    return true;
  } catch {
    return undefined;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Draws pictures small in a worker, which is started for the first of them. */
function createShrinker(): (file: Blob) => Promise<Blob | undefined> {
  const waiting = new Map<number, (thumbnail: Blob | undefined) => void>();
  let worker: Worker | undefined;
  let lastNumber = 0;
  const start = () => {
    const started = startWorker(workerUrl);
    started.onmessage = ({ data }: MessageEvent<ThumbnailReply>) => {
      waiting.get(data.number)?.(data.thumbnail);
      waiting.delete(data.number);
    };
    return started;
  };
  return (file) => {
    worker ??= start();
    const request: ThumbnailRequest = { number: ++lastNumber, file, side: smallSide };
    worker.postMessage(request);
    return new Promise((resolve) => waiting.set(request.number, resolve));
  };
}
