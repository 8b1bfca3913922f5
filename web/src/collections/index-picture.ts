import type { SampledPicture, SearchResult } from "../../../src/client/client.ts";
import type { Picture } from "./picture.ts";

/** A picture of the service's index; a sampled one brings its vector. */
export function pictureOfIndex({ id, path, url, ...rest }: SearchResult | SampledPicture): Picture {
  return {
    id,
    name: path ?? url ?? id,
    origin: { kind: "index", id },
    ...("embedding" in rest && { vector: rest.embedding }),
  };
}
