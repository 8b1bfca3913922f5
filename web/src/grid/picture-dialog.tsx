import { useEffect, useState } from "preact/hooks";
import { fileName, type Picture } from "../collections/picture.ts";
import { usePictureActions } from "../session/use-picture-actions.ts";
import { Icon } from "../shell/icon.tsx";
import { Modal } from "../shell/modal.tsx";
import { writeCosine } from "../vectors/cosine.ts";
import type { Ranked } from "../vectors/ranking.ts";
import { PictureImage } from "./picture-image.tsx";

interface PictureDialogProps {
  items: Ranked<Picture>[];
  index: number;
  isRanked: boolean;
  onMove: (index: number) => void;
  onClose: () => void;
}

/** Shows one picture, large, with what is known of it and what can be done with it. */
export function PictureDialog({ items, index, isRanked, onMove, onClose }: PictureDialogProps) {
  const { picture, score, alike } = items[index]!;
  const name = fileName(picture.name);
  const step = (by: number) => items[index + by] && onMove(index + by);
  return (
    <Modal
      label={name}
      class="picture-dialog"
      onClose={onClose}
      onKeyDown={({ key, target }) => {
        if (target instanceof HTMLInputElement) return;
        if (key === "ArrowLeft") step(-1);
        if (key === "ArrowRight") step(1);
      }}
    >
      <div class={picture.isDrawing ? "stage drawing" : "stage"}>
        <PictureImage picture={picture} size="large" alt={name} />
        <button
          type="button"
          class="round previous"
          aria-label="Previous picture"
          disabled={index === 0}
          onClick={() => step(-1)}
        >
          <Icon name="left" />
        </button>
        <button
          type="button"
          class="round next"
          aria-label="Next picture"
          disabled={index === items.length - 1}
          onClick={() => step(1)}
        >
          <Icon name="right" />
        </button>
      </div>
      <div class="facts">
        <h2>
          <bdi>{name}</bdi>
        </h2>
        {picture.name !== name && (
          <p class="path">
            <bdi>{picture.name.slice(0, -name.length - 1)}</bdi>
          </p>
        )}
        {isRanked && (
          <p class="rank">
            Rank <strong>{index + 1}</strong> of {items.length.toLocaleString("en")}, cosine{" "}
            <strong>{writeCosine(score, 4)}</strong>
          </p>
        )}
        {picture.problem && <p class="problem-text">Not encoded: {picture.problem}</p>}
        <PictureActions picture={picture} onClose={onClose} />
        {alike && (
          <div class="alike-list">
            <p>Nearly the same:</p>
            <ul>
              {alike.map((other) => (
                <li key={other.id} title={other.name}>
                  <PictureImage picture={other} alt={fileName(other.name)} />
                </li>
              ))}
            </ul>
          </div>
        )}
        <Details picture={picture} />
      </div>
    </Modal>
  );
}

/** Offers what can be done with the picture, each of which closes the dialog. */
function PictureActions({ picture, onClose }: { picture: Picture; onClose: () => void }) {
  const actions = usePictureActions();
  const act = (action: () => void) => () => {
    onClose();
    action();
  };
  return (
    <div class="picture-actions">
      <button type="button" class="button primary" onClick={act(() => actions.moreLike(picture))}>
        <Icon name="similar" /> More like this
      </button>
      <button type="button" class="button" onClick={act(() => actions.addTerm(picture, 1))}>
        <Icon name="plus" /> Add to the search
      </button>
      <button type="button" class="button" onClick={act(() => actions.addTerm(picture, -1))}>
        <Icon name="minus" /> Subtract
      </button>
      <button type="button" class="button" onClick={act(() => actions.comparePicture(picture))}>
        <Icon name="table" /> Compare
      </button>
    </div>
  );
}

/** Says who made the picture, or how large one's own is. */
function Details({ picture }: { picture: Picture }) {
  const { credit, origin } = picture;
  const [size, setSize] = useState<string>();
  useEffect(() => {
    setSize(undefined);
    if (origin.kind !== "file") return;
    let isCurrent = true;
    createImageBitmap(origin.file).then(
      (bitmap) => {
        if (isCurrent) setSize(`${bitmap.width} × ${bitmap.height}`);
        bitmap.close();
      },
      () => {}, // a format that the browser cannot draw has no size to tell
    );
    return () => {
      isCurrent = false;
    };
  }, [origin]);
  if (credit) {
    return (
      <p class="details">
        {credit.author}, {licenseNames[credit.license] ?? credit.license}.{" "}
        <a href={credit.url} rel="noreferrer" target="_blank">
          Source
        </a>
      </p>
    );
  }
  if (origin.kind !== "file") return null;
  const bytes = origin.file.size;
  const kilobytes = bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
  return <p class="details">{size ? `${size}, ${kilobytes}` : kilobytes}</p>;
}

const licenseNames: Record<string, string> = { "public-domain": "in the public domain", "CC0-1.0": "CC0 1.0" };
