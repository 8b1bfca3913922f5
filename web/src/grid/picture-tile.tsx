import { memo } from "preact/compat";
import { fileName, type Picture } from "../collections/picture.ts";
import type { PictureActions } from "../session/use-picture-actions.ts";
import { Icon } from "../shell/icon.tsx";
import type { Ranked } from "../vectors/ranking.ts";
import { PictureImage } from "./picture-image.tsx";

interface TileProps {
  item: Ranked<Picture>;
  index: number;
  count: number;
  /** The best score, which bars are relative to; undefined where nothing is ranked. */
  best: number | undefined;
  isCurrent: boolean;
  x: number;
  y: number;
  side: number;
  actions: PictureActions;
}

/** One picture of the grid. The grid itself listens to clicks and keys. */
export const PictureTile = memo(function PictureTile(props: TileProps) {
  const { item, index, count, best, isCurrent, x, y, side, actions } = props;
  const { picture, score, alike } = item;
  const name = fileName(picture.name);
  const label = picture.isDrawing || picture.origin.kind === "gallery" ? name.replace(/\.webp$/, "") : name;
  const tabIndex = isCurrent ? 0 : -1;
  return (
    <li
      class="tile"
      aria-setsize={count}
      aria-posinset={index + 1}
      style={{ transform: `translate(${x}px, ${y}px)`, width: `${side}px` }}
    >
      <button
        type="button"
        class="tile-picture"
        data-index={index}
        tabIndex={tabIndex}
        style={{ height: `${side}px` }}
        aria-label={spoken(label, index, best === undefined ? undefined : item)}
      >
        <PictureImage picture={picture} />
        {alike && (
          <span class="alike" aria-hidden="true">
            +{alike.length}
          </span>
        )}
      </button>
      <div class="tile-actions">
        <button
          type="button"
          tabIndex={tabIndex}
          aria-label={`More like ${label}`}
          title="More like this"
          onClick={() => actions.moreLike(picture)}
        >
          <Icon name="similar" />
        </button>
        <button
          type="button"
          tabIndex={tabIndex}
          aria-label={`Add ${label} to the search`}
          title="Add to the search"
          onClick={() => actions.addTerm(picture, 1)}
        >
          <Icon name="plus" />
        </button>
        <button
          type="button"
          tabIndex={tabIndex}
          aria-label={`Subtract ${label} from the search`}
          title="Subtract from the search"
          onClick={() => actions.addTerm(picture, -1)}
        >
          <Icon name="minus" />
        </button>
      </div>
      {best !== undefined && (
        <div class="tile-bar" aria-hidden="true">
          <span style={{ width: `${Math.max(0, Math.min(1, score / best)) * 100}%` }} />
        </div>
      )}
      <div class="tile-caption">
        <bdi class="tile-name" title={picture.name}>
          {label}
        </bdi>
        {best !== undefined && <span class="tile-score">{score.toFixed(3)}</span>}
      </div>
    </li>
  );
});

/** What a screen reader says of a tile. */
function spoken(label: string, index: number, ranked: Ranked<Picture> | undefined): string {
  if (!ranked) return label;
  const { score, alike } = ranked;
  const others = alike ? `, and ${alike.length} nearly the same` : "";
  return `${label}, rank ${index + 1}, cosine ${score.toFixed(3)}${others}`;
}
