import { useState } from "preact/hooks";
import type { CollectionName, Picture } from "../collections/picture.ts";
import { mostPicturesAsked, picturesCall, sampleCall } from "../search/calls.ts";
import { sampleSize } from "../session/library.ts";
import { CodeDialog } from "../shell/code-dialog.tsx";
import { Takeaway } from "../shell/takeaway.tsx";
import { asCsv, asJson } from "./map-export.ts";
import type { Projection } from "./use-projection.ts";

interface MapTakeawayProps {
  name: CollectionName;
  projection: Projection;
  selection: ReadonlySet<string> | undefined;
}

/** Gives the ways to take the map along. */
export function MapTakeaway({ name, projection, selection }: MapTakeawayProps) {
  const [isCodeOpen, setCodeOpen] = useState(false);
  const pictures = projection.pictures.filter(({ id }) => !selection || selection.has(id));
  return (
    <div class="map-takeaway">
      <Takeaway
        file="map"
        csv={() => asCsv(projection, selection)}
        json={() => asJson(projection, selection)}
        hasCode={pictures.length > 0}
        onCode={() => setCodeOpen(true)}
      />
      {isCodeOpen && <MapCode name={name} pictures={pictures} onClose={() => setCodeOpen(false)} />}
    </div>
  );
}

interface MapCodeProps {
  name: CollectionName;
  pictures: Picture[];
  onClose: () => void;
}

/** Shows how to get the vectors that the map is drawn of: an index gives them, other pictures are encoded. */
function MapCode({ name, pictures, onClose }: MapCodeProps) {
  if (name === "index") return <CodeDialog calls={[sampleCall(sampleSize)]} onClose={onClose} />;
  const isPart = pictures.length > mostPicturesAsked;
  const note = `The first ${mostPicturesAsked} of ${pictures.length.toLocaleString("en")} pictures. Encircle those that you want.`;
  return <CodeDialog calls={[picturesCall(pictures)]} note={isPart ? note : undefined} onClose={onClose} />;
}
