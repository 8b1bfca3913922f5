import type { CollectionName } from "../collections/picture.ts";
import { usePage, useService, useSession } from "../session/session.ts";
import { usePictureActions } from "../session/use-picture-actions.ts";
import { Icon } from "../shell/icon.tsx";
import { useFileChooser } from "../shell/use-file-chooser.tsx";
import { useValue } from "../state/observable.ts";
import { useShownCollection } from "./use-shown-collection.ts";

/** Which pictures are searched, and the ways to add one's own. */
export function CollectionBar() {
  const [, change] = usePage();
  const { library } = useSession();
  const { addOwn } = usePictureActions();
  const service = useService();
  const shown = useShownCollection();
  const drawings = useValue(library.collections.drawings).pictures.length;
  const photographs = useValue(library.collections.photographs).pictures.length;
  const own = useValue(library.collections.own).pictures.length;
  const index = "index" in service ? service.index : undefined;
  const files = useFileChooser({ label: "Pictures to add", multiple: true, onFiles: addOwn });
  const folder = useFileChooser({ label: "A folder of pictures to add", folder: true, onFiles: addOwn });

  const choices: { name: CollectionName; label: string; count: number }[] = [
    ...(index ? [{ name: "index" as const, label: "Index", count: index.count }] : []),
    { name: "drawings", label: "Drawings", count: drawings },
    { name: "photographs", label: "Photographs", count: photographs },
    { name: "own", label: "Your pictures", count: own },
  ];
  return (
    <div class="collection-bar">
      <fieldset class="choices">
        <legend class="hidden">Pictures to search</legend>
        {choices.map(({ name, label, count }) => (
          <label key={name} class="choice">
            <input
              type="radio"
              name="collection"
              checked={name === shown}
              onChange={() => change({ collection: name, selection: undefined })}
            />
            <span>
              {label} <span class="count">{count.toLocaleString("en")}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div class="adders">
        <button type="button" class="button" onClick={files.open}>
          <Icon name="plus" /> Add pictures
        </button>
        <button type="button" class="button" onClick={folder.open}>
          <Icon name="folder" /> Add a folder
        </button>
        {files.input}
        {folder.input}
      </div>
    </div>
  );
}
