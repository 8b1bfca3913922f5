import { useMemo } from "preact/hooks";
import { type Found, isPicture, pictureOfFile } from "../collections/files.ts";
import type { Picture } from "../collections/picture.ts";
import { useSession } from "./session.ts";

/** A matrix beyond this is wider than any screen. */
const mostCompared = 24;

/** Says what can be done with a picture from anywhere on the page. */
export interface PictureActions {
  /** Searches with a file as the whole query. */
  searchWith(found: Found): void;
  moreLike(picture: Picture): void;
  /** Adds a picture to the query, or takes it off. */
  addTerm(picture: Picture, weight: 1 | -1): void;
  addOwn(found: Found[]): void;
  compare(found: Found[]): void;
  comparePicture(picture: Picture): void;
}

export function usePictureActions(): PictureActions {
  const { page, library, service } = useSession();
  return useMemo(() => {
    const moreLike = (picture: Picture) =>
      page.change({ view: "search", query: { text: "", terms: [{ picture, weight: 1 }] } });
    const comparePictures = (pictures: Picture[]) => {
      const { compared } = page.state.get();
      const fresh = pictures.filter((it) => !compared.includes(it));
      page.change({ view: "compare", compared: [...compared, ...fresh].slice(-mostCompared) });
    };
    return {
      searchWith: (found) => moreLike(pictureOfFile(found)),
      moreLike,
      addTerm(picture, weight) {
        const { query } = page.state.get();
        page.change({ view: "search", query: { ...query, terms: [...query.terms, { picture, weight }] } });
      },
      addOwn(found) {
        const state = service.state.get();
        const maxBytes = "info" in state && state.info ? state.info.limits.maxImageBytes : Number.POSITIVE_INFINITY;
        if (library.addOwn(found, maxBytes) > 0) {
          const view = page.state.get().view === "map" ? "map" : "search";
          page.change({ view, collection: "own", selection: undefined });
        }
      },
      compare: (found) => comparePictures(found.filter(isPicture).map(pictureOfFile)),
      comparePicture: (picture) => comparePictures([picture]),
    };
  }, [page, library, service]);
}
