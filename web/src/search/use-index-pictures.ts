import { useEffect, useState } from "preact/hooks";
import { pictureOfIndex } from "../collections/index-picture.ts";
import type { Picture } from "../collections/picture.ts";
import { useService, useSession } from "../session/session.ts";
import type { Ranked } from "../vectors/ranking.ts";

/** A few screens. */
const count = 60;

/** Some pictures that show what the index holds, before anything is asked. */
export function useIndexPictures(isShown: boolean): Ranked<Picture>[] {
  const { client } = useSession();
  const service = useService();
  const [pictures, setPictures] = useState<Ranked<Picture>[]>([]);
  const version = service.status === "ready" ? service.index?.updated_at : undefined;

  useEffect(() => {
    if (!isShown || version === undefined) return;
    const controller = new AbortController();
    const { signal } = controller;
    client.sample({ limit: count, signal }).then(
      (sample) => setPictures(sample.pictures.map((it) => ({ picture: pictureOfIndex(it), score: 0 }))),
      () => {}, // searching works without them, or the page says what is wrong with the service
    );
    return () => controller.abort();
  }, [client, isShown, version]);

  return pictures;
}
