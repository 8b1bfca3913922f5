import { useEffect, useState } from "preact/hooks";
import { fileName, type Picture } from "../collections/picture.ts";
import { useService, useSession } from "../session/session.ts";

interface PictureImageProps {
  picture: Picture;
  size?: "small" | "large";
  alt?: string;
}

/** Wider or taller than this, a picture is shown whole: cropped to a square it could not be recognised. */
const mostCropped = 1.8;

/** Shows a picture, or its format where the browser cannot draw it. */
export function PictureImage({ picture, size = "small", alt = "" }: PictureImageProps) {
  const { thumbnails } = useSession();
  const [shown, setShown] = useState(() => ({ picture, url: thumbnails.known(picture) }));
  const [fit, setFit] = useState("");
  const url = shown.picture === picture ? shown.url : thumbnails.known(picture);
  const [undrawable, setUndrawable] = useState<Picture>();
  const { status } = useService();

  // Of a service that was away a picture may have failed to come, so that it is asked for again.
  useEffect(() => {
    let isCurrent = true;
    if (picture.origin.kind !== "file") setUndrawable(undefined);
    thumbnails.url(picture, size).then(
      (address) => {
        if (!isCurrent) return;
        if (address === undefined) setUndrawable(picture);
        else setShown({ picture, url: address });
      },
      () => {}, // the page says that the service is gone
    );
    return () => {
      isCurrent = false;
    };
  }, [picture, size, thumbnails, status]);

  if (undrawable === picture) {
    // The words come from the style sheet: the button around it has a name that says more.
    return <span class="no-picture" data-format={formatOf(picture)} {...(alt && { role: "img", "aria-label": alt })} />;
  }
  if (!url) return <span class="picture-pending" />;
  return (
    <img
      class={picture.isDrawing ? `drawing ${fit}` : fit}
      src={url}
      alt={alt}
      decoding="async"
      draggable={false}
      onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => {
        const ratio = naturalWidth / naturalHeight;
        setFit(Math.max(ratio, 1 / ratio) > mostCropped ? "whole" : "filling");
      }}
      onError={() => setUndrawable(picture)}
    />
  );
}

function formatOf({ name, origin }: Picture): string {
  const extension = /\.(\w{2,5})$/.exec(fileName(name))?.[1];
  const type = origin.kind === "file" ? /^image\/(?:x-)?(\w+)/.exec(origin.file.type)?.[1] : undefined;
  return (extension ?? type ?? "file").toUpperCase();
}
