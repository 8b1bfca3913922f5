import { writingIndex } from "./open-index.ts";
import { writeFacts } from "./update-index.ts";

/** An index whose pictures became twice as many or half as many has lists of the wrong length. */
const mostGrowth = 2;

/**
 * Builds the approximate index of a directory, unless the one that is there still fits: each update takes new pictures into
 * it.
 * @param onBuild called before minutes may pass
 * @returns whether it was built
 * @throws EncoderError OUTPUT_REFUSED where the index is being written
 */
export async function optimizeIndex(directory: string, onBuild: () => void): Promise<boolean> {
  return writingIndex(directory, async ({ facts, store }) => {
    const [pictures, hasIndex] = [await store.count(), await store.hasIndex()];
    const growth = pictures / facts.optimizedFor;
    if (pictures === 0 || (hasIndex && growth < mostGrowth && growth > 1 / mostGrowth)) return false;
    onBuild();
    await store.buildIndex();
    await writeFacts(directory, { ...facts, optimizedFor: pictures });
    return true;
  });
}
