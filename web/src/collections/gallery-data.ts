/** Says who made a picture and on what terms. */
export interface Credit {
  author: string;
  license: string;
  url: string;
}

/** One picture of the gallery that ships, as pictures.json lists it. */
export interface GalleryPicture {
  collection: "drawings" | "photographs";
  name: string;
  file: string;
  width: number;
  height: number;
  /** A photograph has its own credit, a drawing the name of its set. */
  credit: string | Credit;
}

/** The sets that the drawings come from. */
export const drawingSets: Record<string, Credit> = {
  "fluent-3d": {
    author: "Microsoft, Fluent Emoji (3D)",
    license: "MIT",
    url: "https://github.com/microsoft/fluentui-emoji",
  },
  "fluent-flat": {
    author: "Microsoft, Fluent Emoji (flat)",
    license: "MIT",
    url: "https://github.com/microsoft/fluentui-emoji",
  },
  noto: { author: "Google, Noto Emoji", license: "Apache-2.0", url: "https://github.com/googlefonts/noto-emoji" },
};

/** Tells which model the shipped vectors are of. They are used only where the service tells the same. */
export interface GalleryVectorsHead {
  model: string;
  precision: string;
  buildId: string;
  dimensions: number;
}

export function creditOf({ credit }: GalleryPicture): Credit | undefined {
  return typeof credit === "string" ? drawingSets[credit] : credit;
}
