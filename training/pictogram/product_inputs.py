"""Writes what evaluate_product.mjs feeds to the product: OpenMoji pictures as PNG files, names in every language of the
evaluation, and PyTorch's vectors for them."""

import argparse
import json
from pathlib import Path

import torch
from PIL import Image

from .evaluate import LANGUAGES, names_of
from .model import Model
from .pictures import load_pictures, on_white


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    (args.out / "pictures").mkdir(parents=True, exist_ok=True)
    held = load_pictures(args.data, "heldout")
    rows = held.rows("openmoji")
    concept = held.concept[rows].tolist()
    for i in rows:
        Image.fromarray(held.pixels[i], "RGBA").save(args.out / f"pictures/{held.concept[i].item()}.png")
    where = {c: i for i, c in enumerate(concept)}
    captions = [json.loads(line) for line in (args.data / "captions.jsonl").open()]
    queries = []
    for locale in LANGUAGES:
        for row in names_of(captions, locale, set(where)):
            queries.append({"locale": locale, "text": row["text"], "right": [where[c] for c in row["concepts"]]})
    model = Model(args.model)
    pictures = model.encode_images([on_white(held.pixels[i]) for i in rows])
    texts = model.encode_texts([q["text"] for q in queries])
    (args.out / "inputs.json").write_text(json.dumps({"concepts": concept, "queries": queries}, ensure_ascii=False))
    for name, vectors in (("pictures", pictures), ("texts", texts)):
        (args.out / f"{name}.f32").write_bytes(vectors.to(torch.float32).contiguous().numpy().tobytes())
    print(f"{len(rows)} pictures, {len(queries)} names in {len(LANGUAGES)} languages")


if __name__ == "__main__":
    main()
