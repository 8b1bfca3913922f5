import { useMemo } from "preact/hooks";
import type { Picture } from "../collections/picture.ts";
import { useSession } from "../session/session.ts";

/** Loads pictures for the map as they come into sight, and asks to be drawn again when one is there. */
export function useMapImages(onLoad: () => void): (picture: Picture) => HTMLImageElement | undefined {
  const { thumbnails } = useSession();
  return useMemo(() => {
    const loaded = new Map<string, HTMLImageElement>();
    const asked = new Set<string>();
    const load = async (picture: Picture) => {
      const url = await thumbnails.url(picture, "small");
      if (!url) return;
      const image = new Image();
      image.src = url;
      await image.decode();
      loaded.set(picture.id, image);
      onLoad();
    };
    return (picture) => {
      if (!asked.has(picture.id)) {
        asked.add(picture.id);
        load(picture).catch(() => {}); // a picture that cannot be drawn stays a dot
      }
      return loaded.get(picture.id);
    };
  }, [thumbnails, onLoad]);
}
