import { memo } from "preact/compat";
import { labelOf, type Picture } from "../collections/picture.ts";
import type { PictureActions } from "../session/use-picture-actions.ts";
import { Icon, type IconName } from "../shell/icon.tsx";
import { writeCosine } from "../vectors/cosine.ts";
import { PictureImage } from "./picture-image.tsx";

interface TileProps {
  picture: Picture;
  /** Undefined where nothing is ranked. */
  score: number | undefined;
  /** The best score, which the bar is relative to. */
  best: number | undefined;
  /** How many nearly equal pictures are hidden behind this one. */
  alikeCount: number;
  index: number;
  count: number;
  isCurrent: boolean;
  /** The actions are drawn only where they can be seen: they are most of what a tile consists of. */
  hasActions: boolean;
  x: number;
  y: number;
  side: number;
  actions: PictureActions;
}

/** One picture of the grid, which listens to clicks and keys. With plain properties, so that most are drawn only once. */
export const PictureTile = memo(function PictureTile(props: TileProps) {
  const { picture, score, best, alikeCount, index, count, isCurrent, hasActions, x, y, side, actions } = props;
  const label = labelOf(picture);
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
        aria-label={score === undefined ? label : spoken({ label, index, score, alikeCount })}
      >
        <PictureImage picture={picture} />
        {alikeCount > 0 && (
          <span class="alike" aria-hidden="true">
            +{alikeCount}
          </span>
        )}
      </button>
      {hasActions && <TileActions picture={picture} label={label} tabIndex={tabIndex} actions={actions} />}
      {score !== undefined && best !== undefined && (
        <div class="tile-bar" aria-hidden="true">
          <span style={{ width: `${Math.max(0, Math.min(1, score / best)) * 100}%` }} />
        </div>
      )}
      <div class="tile-caption">
        <bdi class="tile-name" title={picture.name}>
          {label}
        </bdi>
        {score !== undefined && <span class="tile-score">{writeCosine(score)}</span>}
      </div>
    </li>
  );
});

type ActionsProps = Pick<TileProps, "picture" | "actions"> & { label: string; tabIndex: number };

function TileActions({ picture, label, tabIndex, actions }: ActionsProps) {
  const { moreLike, addTerm } = actions;
  const choices: { icon: IconName; name: string; title: string; act: () => void }[] = [
    { icon: "similar", name: `More like ${label}`, title: "More like this", act: () => moreLike(picture) },
    { icon: "plus", name: `Add ${label} to the search`, title: "Add to the search", act: () => addTerm(picture, 1) },
    {
      icon: "minus",
      name: `Subtract ${label} from the search`,
      title: "Subtract from the search",
      act: () => addTerm(picture, -1),
    },
  ];
  return (
    <div class="tile-actions">
      {choices.map(({ icon, name, title, act }) => (
        <button key={icon} type="button" tabIndex={tabIndex} aria-label={name} title={title} onClick={act}>
          <Icon name={icon} />
        </button>
      ))}
    </div>
  );
}

interface Spoken {
  label: string;
  index: number;
  score: number;
  alikeCount: number;
}

/** What a screen reader says of a ranked tile. */
function spoken({ label, index, score, alikeCount }: Spoken): string {
  const others = alikeCount > 0 ? `, and ${alikeCount} nearly the same` : "";
  return `${label}, rank ${index + 1}, cosine ${writeCosine(score)}${others}`;
}
