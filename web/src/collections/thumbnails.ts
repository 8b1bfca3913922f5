import type { Client } from "../../../src/client/client.ts";
import { isAboutConnection } from "./is-about-connection.ts";
import { createLatestFirst } from "./latest-first.ts";
import type { Picture } from "./picture.ts";
import { createShrinker } from "./shrinker.ts";

/** Gives addresses under which pictures can be shown. */
export interface Thumbnails {
  /**
   * Undefined where the browser cannot draw the picture, or the service does not give it. It is rejected while the
   * service is away, and can be asked again then.
   */
  url(picture: Picture, size: "small" | "large"): Promise<string | undefined>;
  /** Gives the address where it is known already, so that scrolling back shows no gap. */
  known(picture: Picture): string | undefined;
}

/** Some twenty screens of tiles are kept; those seen longest ago are dropped, for a folder may hold thousands. */
const mostKept = 1500;
/** A photograph takes a tenth of a second; more workers than this would leave the processor no room for the service. */
const mostWorkers = 4;
/** As many requests as browsers make of one origin at once, less two, for the search that must not wait behind pictures. */
const mostRequests = 4;

export function createThumbnails(client: Client): Thumbnails {
  const kept = new Map<string, Promise<string | undefined>>();
  const settled = new Map<string, string>();
  const shrink = createShrinker();
  const whenShrinkable = createLatestFirst(Math.max(1, Math.min(mostWorkers, navigator.hardwareConcurrency - 1)));
  const whenFetchable = createLatestFirst(mostRequests);

  async function make(picture: Picture, size: "small" | "large", key: string): Promise<string | undefined> {
    const { origin } = picture;
    if (origin.kind === "gallery") return origin.url;
    if (origin.kind === "file" && size === "large") return (await canBeDrawn(origin.file)) && addressOf(origin.file);
    const isKept = () => kept.has(key);
    const width = size === "small" ? 256 : 1600;
    const blob = await (origin.kind === "file"
      ? whenShrinkable(() => shrink(origin.file), isKept)
      : whenFetchable(() => client.picture(origin.id, { width }), isKept).catch(undefinedIfRefused));
    return blob && addressOf(blob);
  }

  function forgetOldest(): void {
    for (const [key, url] of kept) {
      if (kept.size <= mostKept) return;
      kept.delete(key);
      settled.delete(key);
      url.then(
        (address) => address?.startsWith("blob:") && URL.revokeObjectURL(address),
        () => {}, // there is nothing to free
      );
    }
  }

  return {
    url(picture, size) {
      const key = `${size} ${picture.id}`;
      const url = kept.get(key) ?? make(picture, size, key);
      kept.delete(key);
      kept.set(key, url); // a Map keeps the order of insertion: the oldest comes first
      url.then(
        (address) => address && kept.has(key) && settled.set(key, address),
        () => kept.delete(key),
      );
      forgetOldest();
      return url;
    },
    known: (picture) => (picture.origin.kind === "gallery" ? picture.origin.url : settled.get(`small ${picture.id}`)),
  };
}

/** A service that answers without a picture has none to give, now and later. */
function undefinedIfRefused(error: unknown): undefined {
  if (isAboutConnection(error)) throw error;
  return undefined;
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
