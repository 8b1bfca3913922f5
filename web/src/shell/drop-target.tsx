import { useEffect, useState } from "preact/hooks";
import { type Found, filesOfDrop, isPicture } from "../collections/files.ts";
import { usePage } from "../session/session.ts";
import { usePictureActions } from "../session/use-picture-actions.ts";
import { Icon } from "./icon.tsx";

/** Covers the page while files are dragged over it, and says what will become of them. Also takes pasted pictures. */
export function DropTarget() {
  const [isOver, setOver] = useState(false);
  const [hadNone, setHadNone] = useState(false);
  const [{ view }] = usePage();
  const { searchWith, addOwn, compare } = usePictureActions();

  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault(); // or the browser would open the file instead of the page
      setOver(true);
      setHadNone(false);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false); // the pointer has left the window
    };
    const paste = (event: ClipboardEvent) => {
      const found = [...(event.clipboardData?.files ?? [])]
        .map((file) => ({ file, path: file.name }))
        .filter(isPicture);
      if (found.length === 0) return;
      event.preventDefault();
      if (view === "compare") compare(found);
      else searchWith(found[0]!);
    };
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
    };
    addEventListener("dragenter", over);
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    addEventListener("paste", paste);
    return () => {
      removeEventListener("dragenter", over);
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
      removeEventListener("paste", paste);
    };
  }, [view, searchWith, compare]);

  if (hadNone) return <NoPictures onClose={() => setHadNone(false)} />;
  if (!isOver) return null;
  const onNone = () => setHadNone(true);
  return (
    <div class="drop-target">
      {view === "compare" ? (
        <DropZone title="Compare these pictures" onFiles={compare} onNone={onNone} />
      ) : (
        <>
          <DropZone
            title="Search with this picture"
            onFiles={(found) => found[0] && searchWith(found[0])}
            onNone={onNone}
          />
          <DropZone title="Add to your pictures" text="Files or a whole folder" onFiles={addOwn} onNone={onNone} />
        </>
      )}
    </div>
  );
}

function NoPictures({ onClose }: { onClose: () => void }) {
  return (
    <p class="notice problem drop-note" role="alert">
      There is no picture in what was dropped. JPEG, PNG, WebP, GIF, AVIF, HEIC, TIFF and BMP files can be searched.
      <button type="button" class="round" aria-label="Close" onClick={onClose}>
        <Icon name="close" />
      </button>
    </p>
  );
}

interface DropZoneProps {
  title: string;
  text?: string;
  onFiles: (files: Found[]) => void;
  /** Called when none of the files is a picture. */
  onNone: () => void;
}

function DropZone({ title, text, onFiles, onNone }: DropZoneProps) {
  const [isOver, setOver] = useState(false);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it exists only while files are dragged; a button does the same
    <div
      class={isOver ? "drop-zone over" : "drop-zone"}
      data-drop={title}
      onDragEnter={() => setOver(true)}
      onDragLeave={() => setOver(false)}
      onDrop={async (event) => {
        const files = event.dataTransfer ? await filesOfDrop(event.dataTransfer) : [];
        const pictures = files.filter(isPicture);
        if (pictures.length > 0) onFiles(pictures);
        else onNone();
      }}
    >
      <Icon name={text ? "folder" : "picture"} />
      <strong>{title}</strong>
      {text && <span>{text}</span>}
    </div>
  );
}
