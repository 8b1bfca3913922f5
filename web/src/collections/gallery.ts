import type { Info } from "../../../src/client/client.ts";
import picturesUrl from "../../gallery/pictures.json?url";
import vectorsUrl from "../../gallery/vectors.bin?url";
import head from "../../gallery/vectors.json";
import { creditOf, type GalleryPicture, type GalleryVectorsHead } from "./gallery-data.ts";
import type { Picture } from "./picture.ts";

/** The largest number of an int16 stands for 1. */
const scale = 32767;
const shipped: GalleryVectorsHead = head;

/** Vectors of another model would give answers that look right and are wrong. */
export function fitsGallery({ model, dimensions, buildId, image }: Info): boolean {
  const served: GalleryVectorsHead = { model, precision: image.precision, buildId, dimensions };
  return Object.entries(served).every(([fact, value]) => shipped[fact as keyof GalleryVectorsHead] === value);
}

/** Loads the gallery that ships, drawings first. */
export async function loadGallery(): Promise<Record<GalleryPicture["collection"], Picture[]>> {
  const list = await load(picturesUrl).then((response) => response.json() as Promise<GalleryPicture[]>);
  const base = new URL("gallery/", document.baseURI);
  const gallery = { drawings: [] as Picture[], photographs: [] as Picture[] };
  for (const item of list) {
    gallery[item.collection].push({
      id: item.file.replace(/\.webp$/, ""),
      name: `${item.name}.webp`,
      origin: { kind: "gallery", url: new URL(item.file, base).href },
      isDrawing: item.collection === "drawings",
      credit: creditOf(item),
    });
  }
  return gallery;
}

/** Gives the pictures, in the order of the list, the vectors that ship. */
export async function addGalleryVectors(pictures: readonly Picture[]): Promise<void> {
  const bytes = await load(vectorsUrl).then((response) => response.arrayBuffer());
  const numbers = new Int16Array(bytes);
  const { dimensions } = shipped;
  for (const [index, picture] of pictures.entries()) {
    const slice = numbers.subarray(index * dimensions, (index + 1) * dimensions);
    picture.vector = Float32Array.from(slice, (number) => number / scale);
  }
}

async function load(url: string): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} cannot be loaded: ${response.status}.`);
  return response;
}
