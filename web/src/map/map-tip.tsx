import { fileName, type Picture } from "../collections/picture.ts";
import { PictureImage } from "../grid/picture-image.tsx";
import type { Point, Size } from "./viewport.ts";

interface MapTipProps {
  at: Point;
  size: Size;
  picture: Picture;
}

/** The tip's outer width, and the height that it has with a name of one line. */
const outer: Size = { width: 160, height: 174 };
/** It stands clear of the picture that it is of. */
const distance = 36;

/** Shows one picture of the map larger, beside its place, on the side where there is more room. */
export function MapTip({ at, size, picture }: MapTipProps) {
  const beside = at.x > size.width / 2 ? at.x - outer.width - distance : at.x + distance;
  const x = Math.min(size.width - outer.width, Math.max(0, beside)); // on a telephone neither side is wide enough
  const y = at.y > size.height / 2 ? at.y - outer.height - 22 : at.y + 8;
  return (
    <div class="map-tip" style={{ transform: `translate(${x}px, ${y}px)` }} aria-hidden="true">
      <PictureImage picture={picture} />
      <bdi>{fileName(picture.name)}</bdi>
    </div>
  );
}
