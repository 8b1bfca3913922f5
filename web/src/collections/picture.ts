import type { Credit } from "./gallery-data.ts";

/** Says where a picture's bytes are. */
export type Origin = { kind: "file"; file: File } | { kind: "gallery"; url: string } | { kind: "index"; id: string };

export interface Picture {
  /** Unique among all pictures of the page. */
  id: string;
  /** The file's name, with its folders where it came with some. */
  name: string;
  origin: Origin;
  /** Of unit length; absent until encoded. Of the index, only the sample that the map is drawn of has vectors. */
  vector?: Float32Array | undefined;
  /** Why it could not be encoded, as a sentence. */
  problem?: string | undefined;
  credit?: Credit | undefined;
  /** A drawing is shown whole; a photograph fills its tile. */
  isDrawing?: boolean;
}

export type CollectionName = "drawings" | "photographs" | "own" | "index";

export const collectionNames: CollectionName[] = ["drawings", "photographs", "own", "index"];

export interface Collection {
  pictures: readonly Picture[];
  /** How many pictures there are in all, where only a sample of them is here. */
  total?: number;
  /** Set while pictures are being encoded. */
  progress?: Progress | undefined;
}

export interface Progress {
  done: number;
  total: number;
  failed: number;
  /** The service asked to wait so many seconds, while it is busy. */
  waitSeconds?: number | undefined;
}

/** What a picture is called where there is little room: those of the gallery have names instead of files. */
export function labelOf({ name, origin }: Picture): string {
  return origin.kind === "gallery" ? name.replace(/\.webp$/, "") : fileName(name);
}

/** The last part of a path. */
export function fileName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
