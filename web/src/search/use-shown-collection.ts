import type { CollectionName } from "../collections/picture.ts";
import { usePage, useService } from "../session/session.ts";

/** Gives the collection that was chosen; else the index where the service has one; else the drawings. */
export function useShownCollection(): CollectionName {
  const [{ collection }] = usePage();
  const service = useService();
  const hasIndex = "index" in service && service.index !== undefined;
  if (collection === "index" && !hasIndex && service.status === "ready") return "drawings";
  return collection ?? (hasIndex ? "index" : "drawings");
}
