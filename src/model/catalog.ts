/** A checkpoint on the Hub that is pinned to one commit. */
export interface PinnedCheckpoint {
  repository: string;
  /** Commit, so that nothing a repository's owner changes later is ever picked up. */
  revision: string;
  /** Of the files that carry the weights and the vocabulary: a file with other bytes is refused. */
  sha256: Readonly<Record<string, string>>;
}

export interface CatalogEntry {
  image: PinnedCheckpoint;
  text: PinnedCheckpoint;
}

/** Models that are known by name. docs/models.md describes them. */
export const catalog: Readonly<Record<string, CatalogEntry>> = {
  "clip-vit-b-32": {
    image: {
      repository: "sentence-transformers/clip-ViT-B-32",
      revision: "327ab6726d33c0e22f920c83f2ff9e4bd38ca37f",
      sha256: {
        "0_CLIPModel/model.safetensors": "99d28a652e6ec46629ab7047a0ac82c69b1fe11e0ce672c43af65d3a9a3fc05d",
      },
    },
    text: {
      repository: "sentence-transformers/clip-ViT-B-32-multilingual-v1",
      revision: "58edf8cada9e398793dca955574a48cbb7f18be2",
      sha256: {
        "model.safetensors": "7b968c09938603158413ea2c91af82e82158ebb6db901a6cf97c28ce7d7ebc6d",
        "2_Dense/model.safetensors": "d12568dc7300970a4d3dbb49068ad16cd89b99840b74b026f8e48071e9414f74",
        "tokenizer.json": "5b4e1a8171c81dfd666ae40265b9530c6e0b3d53923fe8ac493dcc84229adf81",
      },
    },
  },
};
