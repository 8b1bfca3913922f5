import { useState } from "preact/hooks";
import type { CollectionName } from "../collections/picture.ts";
import { download } from "../results/export.ts";
import { sampleCall } from "../search/calls.ts";
import { sampleSize } from "../session/library.ts";
import { CodeDialog } from "../shell/code-dialog.tsx";
import { Icon } from "../shell/icon.tsx";
import { LinkButton } from "../shell/link-button.tsx";
import { asCsv, asJson } from "./map-export.ts";
import type { Projection } from "./use-projection.ts";

interface MapTakeawayProps {
  name: CollectionName;
  projection: Projection;
  selection: ReadonlySet<string> | undefined;
}

/** Gives the ways to take the map along; only that of the index has asked the service for something. */
export function MapTakeaway({ name, projection, selection }: MapTakeawayProps) {
  const [isCodeOpen, setCodeOpen] = useState(false);
  return (
    <div class="map-takeaway">
      <span class="takeaway">
        {name === "index" && (
          <button type="button" class="quiet" onClick={() => setCodeOpen(true)}>
            <Icon name="code" /> Copy as code
          </button>
        )}
        <LinkButton />
        <button
          type="button"
          class="quiet"
          onClick={() => download("map.csv", asCsv(projection, selection), "text/csv")}
        >
          <Icon name="download" /> CSV
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => download("map.json", asJson(projection, selection), "application/json")}
        >
          <Icon name="download" /> JSON
        </button>
      </span>
      {isCodeOpen && <CodeDialog calls={[sampleCall(sampleSize)]} onClose={() => setCodeOpen(false)} />}
    </div>
  );
}
