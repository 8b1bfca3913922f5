import { useEffect, useMemo } from "preact/hooks";
import type { Picture } from "../collections/picture.ts";
import { useService, useSession } from "../session/session.ts";

/** A picture in two sizes: hundreds are drawn at once from the small one, a few from the large one. */
export interface MapImage {
  small: ImageBitmap;
  large: HTMLImageElement;
}

/** Pixels of the longer side of a small one. */
const smallSide = 128;
/** More than are drawn at once; those loaded longest ago are dropped, for a map may hold ten thousand. */
const mostKept = 1500;

/**
 * Loads pictures for the map as they come into sight, and asks to be drawn again when one is there. What did not come of a
 * service that was away is asked for again when that changes.
 */
export function useMapImages(onLoad: () => void): (picture: Picture) => MapImage | undefined {
  const { thumbnails } = useSession();
  const images = useMemo(() => {
    const loaded = new Map<string, MapImage>();
    const asked = new Set<string>();
    const failed = new Set<string>();
    const forget = (id: string) => {
      loaded.get(id)?.small.close();
      loaded.delete(id);
      asked.delete(id);
    };
    const load = async (picture: Picture) => {
      const url = await thumbnails.url(picture, "small");
      if (!url) return;
      const large = new Image();
      large.src = url;
      await large.decode();
      loaded.set(picture.id, { large, small: await shrink(large) });
      const [oldest] = loaded.keys();
      if (loaded.size > mostKept && oldest !== undefined) forget(oldest);
      onLoad();
    };
    return {
      of(picture: Picture) {
        if (!asked.has(picture.id)) {
          asked.add(picture.id);
          load(picture).catch(() => failed.add(picture.id)); // it stays a dot
        }
        return loaded.get(picture.id);
      },
      askAgain() {
        for (const id of failed) asked.delete(id);
        failed.clear();
      },
      forgetAll: () => [...loaded.keys()].forEach(forget),
    };
  }, [thumbnails, onLoad]);
  const { status } = useService();
  useEffect(() => images.askAgain(), [images, status]);
  useEffect(() => images.forgetAll, [images]);
  return images.of;
}

function shrink(image: HTMLImageElement): Promise<ImageBitmap> {
  const { naturalWidth: width, naturalHeight: height } = image;
  const factor = smallSide / Math.max(width, height);
  const side = (length: number) => Math.max(1, Math.round(length * factor));
  return createImageBitmap(image, {
    resizeWidth: side(width),
    resizeHeight: side(height),
    resizeQuality: "medium",
  });
}
