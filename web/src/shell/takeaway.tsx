import { download } from "../results/export.ts";
import { Icon } from "./icon.tsx";
import { LinkButton } from "./link-button.tsx";

interface TakeawayProps {
  /** Name of the files, without an ending. */
  file: string;
  csv: () => string;
  json: () => string;
  onCode: () => void;
  hasCode?: boolean;
}

/** Gives the ways to take what a view shows along: as code, as a link, as CSV and as JSON. */
export function Takeaway({ file, csv, json, onCode, hasCode = true }: TakeawayProps) {
  return (
    <span class="takeaway">
      <button type="button" class="quiet" disabled={!hasCode} onClick={onCode}>
        <Icon name="code" /> Copy as code
      </button>
      <LinkButton />
      <button type="button" class="quiet" onClick={() => download(`${file}.csv`, csv(), "text/csv")}>
        <Icon name="download" /> CSV
      </button>
      <button type="button" class="quiet" onClick={() => download(`${file}.json`, json(), "application/json")}>
        <Icon name="download" /> JSON
      </button>
    </span>
  );
}
