/** Names a checkpoint on the Hub that is pinned to one commit. */
export interface PinnedCheckpoint {
  repository: string;
  /** Must be a commit, so that nothing that a repository's owner changes later is ever picked up. */
  revision: string;
  /**
   * Of the files that carry the weights and the vocabulary: a file with other bytes is refused. A file that is not listed is
   * held to the hash that the Hub gives for it at that commit.
   */
  sha256: Readonly<Record<string, string>>;
}

export interface CatalogEntry {
  image: PinnedCheckpoint;
  text: PinnedCheckpoint;
  dimensions: number;
  /** Size of the download, in megabytes. */
  downloadMb: number;
  languages: string;
  licence: string;
  /** Arithmetic for a picture, in multiples of what clip-vit-b-32 needs. */
  imageCost: number;
}

const clipB32: PinnedCheckpoint = {
  repository: "sentence-transformers/clip-ViT-B-32",
  revision: "327ab6726d33c0e22f920c83f2ff9e4bd38ca37f",
  sha256: { "0_CLIPModel/model.safetensors": "99d28a652e6ec46629ab7047a0ac82c69b1fe11e0ce672c43af65d3a9a3fc05d" },
};

function both(checkpoint: PinnedCheckpoint) {
  return { image: checkpoint, text: checkpoint };
}

const english = "English";
const multilingual = "109 languages";

/** Lists the models that have a name. docs/models.md describes them, and says where these facts come from. */
export const catalog: Readonly<Record<string, CatalogEntry>> = {
  "clip-vit-b-32": {
    image: clipB32,
    text: {
      repository: "sentence-transformers/clip-ViT-B-32-multilingual-v1",
      revision: "58edf8cada9e398793dca955574a48cbb7f18be2",
      sha256: {
        "model.safetensors": "7b968c09938603158413ea2c91af82e82158ebb6db901a6cf97c28ce7d7ebc6d",
        "2_Dense/model.safetensors": "d12568dc7300970a4d3dbb49068ad16cd89b99840b74b026f8e48071e9414f74",
        "tokenizer.json": "5b4e1a8171c81dfd666ae40265b9530c6e0b3d53923fe8ac493dcc84229adf81",
      },
    },
    ...{ dimensions: 512, downloadMb: 1150, languages: "50+ languages", licence: "MIT, Apache-2.0", imageCost: 1 },
  },
  "clip-vit-b-32-english": {
    ...both(clipB32),
    ...{ dimensions: 512, downloadMb: 605, languages: english, licence: "MIT", imageCost: 1 },
  },
  "clip-vit-b-32-laion": {
    ...both({
      repository: "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
      revision: "1a25a446712ba5ee05982a381eed697ef9b435cf",
      sha256: {
        "model.safetensors": "74813fbcdc750f235c9784c367ca1394d2a5c25eb0aac92761752ac239db7cff",
        "tokenizer.json": "b556ac8c99757ffb677208af34bc8c6721572114111a6e0aaf5fa69ff0b8d842",
      },
    }),
    ...{ dimensions: 512, downloadMb: 605, languages: english, licence: "MIT", imageCost: 1 },
  },
  "clip-vit-b-16": {
    ...both({
      repository: "openai/clip-vit-base-patch16",
      revision: "5ef227a78de3f75873f373246dac80def63b0003", // main has pickled weights; this commit has safetensors, too
      sha256: {},
    }),
    ...{ dimensions: 512, downloadMb: 599, languages: english, licence: "MIT", imageCost: 4 },
  },
  "clip-vit-l-14": {
    ...both({
      repository: "openai/clip-vit-large-patch14",
      revision: "32bd64288804d66eefd0ccbe215aa642df71cc41",
      sha256: { "model.safetensors": "a2bf730a0c7debf160f7a6b50b3aaf3703e7e88ac73de7a314903141db026dcb" },
    }),
    ...{ dimensions: 768, downloadMb: 1711, languages: english, licence: "MIT", imageCost: 18 },
  },
  "siglip2-base-patch16-224": {
    ...both({
      repository: "google/siglip2-base-patch16-224",
      revision: "75de2d55ec2d0b4efc50b3e9ad70dba96a7b2fa2",
      sha256: { "model.safetensors": "612923381c76ec5a9bed335d1c48827e3f2e506ac31b044b63b2031fadee6a0b" },
    }),
    ...{ dimensions: 768, downloadMb: 1535, languages: multilingual, licence: "Apache-2.0", imageCost: 4 },
  },
  "siglip2-base-patch16-256": {
    ...both({
      repository: "google/siglip2-base-patch16-256",
      revision: "3f9f96cb90da5dbc758b01813f2f6f1aee24c1ab",
      sha256: { "model.safetensors": "6125cacc01fa93bdc98a0c5101cefcd69b2ed1f8ab4f38d86f4ad5984f5dc863" },
    }),
    ...{ dimensions: 768, downloadMb: 1535, languages: multilingual, licence: "Apache-2.0", imageCost: 5 },
  },
};

/** The entry of the model that was made from these commits, whatever its folder is called. */
export function findInCatalog(sources: Record<"image" | "text", { revision?: string | undefined }>) {
  return Object.values(catalog).find(
    ({ image, text }) => image.revision === sources.image.revision && text.revision === sources.text.revision,
  );
}
