import { quoteCsv } from "../results/export.ts";
import type { Projection } from "./use-projection.ts";

type Selection = ReadonlySet<string> | undefined;

/** Writes a line for each picture, or each one that is encircled: its name and where it lies, from 0 to 1. */
export function asCsv(projection: Projection, selection: Selection): string {
  const rows = placesOf(projection, selection).map(({ path, x, y }) =>
    [quoteCsv(path), x.toFixed(4), y.toFixed(4)].join(","),
  );
  return `${["name,x,y", ...rows].join("\r\n")}\r\n`;
}

/** Writes the same for programs. */
export function asJson(projection: Projection, selection: Selection): string {
  return `${JSON.stringify({ pictures: placesOf(projection, selection) }, null, 2)}\n`;
}

function placesOf({ pictures, points }: Projection, selection: Selection) {
  return pictures
    .map(({ id, name }, index) => ({ id, path: name, x: points[2 * index]!, y: points[2 * index + 1]! }))
    .filter(({ id }) => !selection || selection.has(id));
}
