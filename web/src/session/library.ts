import type { Client } from "../../../src/client/client.ts";
import { encodePictures } from "../collections/encode-pictures.ts";
import { type Found, isPicture, pictureOfFile } from "../collections/files.ts";
import { addGalleryVectors, loadGallery } from "../collections/gallery.ts";
import { pictureOfIndex } from "../collections/index-picture.ts";
import type { Collection, CollectionName, Picture, Progress } from "../collections/picture.ts";
import { createObservable, type Observable } from "../state/observable.ts";

type OwnedName = Exclude<CollectionName, "index">;

/** Holds the pictures that the page has itself, and their vectors. */
export interface Library {
  /** Of the index there is only the sample that `sampleIndex` loads. */
  collections: Record<CollectionName, Observable<Collection>>;
  /** Loads the list of the gallery; the pictures come when they are seen. */
  open(): Promise<void>;
  /** Loads the vectors that ship, once. */
  loadVectors(): Promise<void>;
  /** Loads pictures spread evenly over the index with their vectors, unless those of this version are there already. */
  sampleIndex(version: string, signal: AbortSignal): Promise<void>;
  /** Adds pictures of one's own and encodes them. Gives how many of the files are pictures. */
  addOwn(files: Found[], maxBytes: number): number;
  /** Encodes the gallery with the model that is served. */
  encodeGallery(maxBytes: number): void;
  /** Encodes what has no vector yet: after a pause or an outage. */
  resume(name: OwnedName, maxBytes: number): void;
  cancel(name: OwnedName): void;
  clearOwn(): void;
  /** Forgets every vector, and why pictures have none; another model is served. */
  forgetVectors(): void;
  find(id: string): Picture | undefined;
}

/** Ranks are computed anew with each step, so there are few of them. */
const stepMs = 300;
/** Enough to show what an index holds; some six megabytes, and a few seconds of arranging. */
export const sampleSize = 2000;

export function createLibrary(client: Client): Library {
  const empty: Collection = { pictures: [] };
  const collections = {
    drawings: createObservable(empty),
    photographs: createObservable(empty),
    own: createObservable(empty),
    index: createObservable(empty),
  };
  const encodings = createEncodings(client, collections);
  let vectors: Promise<void> | undefined;
  let sampledVersion: string | undefined;

  return {
    collections,
    async open() {
      const gallery = await loadGallery();
      collections.drawings.set({ pictures: gallery.drawings });
      collections.photographs.set({ pictures: gallery.photographs });
    },
    loadVectors() {
      const { drawings, photographs } = collections;
      vectors ??= addGalleryVectors([...drawings.get().pictures, ...photographs.get().pictures]).then(
        () => {
          for (const collection of [drawings, photographs]) collection.set({ ...collection.get() });
        },
        (error) => {
          vectors = undefined; // the next search loads them again
          throw error;
        },
      );
      return vectors;
    },
    async sampleIndex(version, signal) {
      if (version === sampledVersion) return;
      const { count, pictures } = await client.sample({ limit: sampleSize, signal });
      sampledVersion = version;
      collections.index.set({ pictures: pictures.map(pictureOfIndex), total: count });
    },
    addOwn(files, maxBytes) {
      const pictures = files.filter(isPicture).map(pictureOfFile);
      collections.own.set({ ...collections.own.get(), pictures: [...collections.own.get().pictures, ...pictures] });
      void encodings.run("own", maxBytes);
      return pictures.length;
    },
    encodeGallery(maxBytes) {
      void encodings.run("drawings", maxBytes).then(() => encodings.run("photographs", maxBytes));
    },
    resume(name, maxBytes) {
      void encodings.run(name, maxBytes);
    },
    cancel: encodings.cancel,
    clearOwn() {
      encodings.cancel("own");
      collections.own.set(empty);
    },
    forgetVectors() {
      for (const name of ["drawings", "photographs", "own"] as const) {
        encodings.forget(name);
        const { pictures } = collections[name].get();
        for (const picture of pictures) {
          picture.vector = undefined;
          picture.problem = undefined;
        }
        collections[name].set({ pictures });
      }
      collections.index.set(empty);
      vectors = undefined;
      sampledVersion = undefined;
    },
    find(id) {
      const pictures = Object.values(collections).flatMap(({ get }) => get().pictures);
      return pictures.find((it) => it.id === id);
    },
  };
}

/** Encodes collections in the background, each at most once at a time. */
function createEncodings(client: Client, collections: Library["collections"]) {
  const running = new Map<OwnedName, AbortController>();

  async function run(name: OwnedName, maxBytes: number): Promise<void> {
    if (running.has(name)) return;
    const controller = new AbortController();
    running.set(name, controller);
    const collection = collections[name];
    const update = throttle((progress: Progress) => {
      const { pictures } = collection.get();
      collection.set({ pictures, ...(running.get(name) === controller && { progress }) });
    }, stepMs);
    const { signal } = controller;
    try {
      let rest = missing(collection.get().pictures);
      while (rest.length > 0 && !signal.aborted) {
        await encodePictures({ pictures: rest, client, bytesOf, maxBytes, signal, onProgress: update });
        rest = missing(collection.get().pictures); // those that were added meanwhile
      }
    } catch {
      // The service is gone or asks for a key: the page says so, and resumes when it is back.
    } finally {
      if (running.get(name) === controller) running.delete(name);
      update.flush();
    }
  }

  return {
    run,
    cancel: (name: OwnedName) => running.get(name)?.abort(),
    /** Lets another run begin, although this one has not ended yet. */
    forget(name: OwnedName) {
      running.get(name)?.abort();
      running.delete(name);
    },
  };
}

const missing = (pictures: readonly Picture[]) => pictures.filter((it) => !it.vector && it.problem === undefined);

/** Gets the bytes of a picture that the page holds. */
export async function bytesOf({ origin }: Picture, signal: AbortSignal): Promise<Blob> {
  if (origin.kind === "file") return origin.file;
  if (origin.kind === "gallery") return (await fetch(origin.url, { signal })).blob();
  throw new Error("Pictures of the index are fetched from the service.");
}

/** Calls at most once in so many milliseconds, with the latest value; flush calls at once. */
function throttle<T>(call: (value: T) => void, ms: number): ((value: T) => void) & { flush(): void } {
  let latest: T | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (latest !== undefined) call(latest);
  };
  return Object.assign(
    (value: T) => {
      const isFirst = latest === undefined;
      latest = value;
      if (isFirst) flush();
      else timer ??= setTimeout(flush, ms);
    },
    { flush },
  );
}
