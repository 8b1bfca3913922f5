"""Writes what evaluate_product.mjs feeds to the product: pictures as PNG files, texts with the numbers of the pictures that are
right, and PyTorch's vectors for both. Each set is a folder: OpenMoji with names in every language of the evaluation, Flagpack with
English names, GCompris' photographs (without half A) with their names, Tux Paint's stamps with captions in 26 languages."""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

import torch
from PIL import Image

from .evaluate import LANGUAGES, names_of
from .model import Model
from .photograph_tests import TUX_LANGUAGES, by_caption, by_name
from .photographs import gcompris, tux_paint
from .pictures import load_pictures, on_white

Query = tuple[str, str, list[int]]  # group (a language, or a kind of photograph), text, numbers of the right pictures


def drawings(data: Path, style: str, locales: Iterable[str]) -> tuple[list[Image.Image], list[Query]]:
    held = load_pictures(data, "heldout")
    rows = held.rows(style)
    where = {c: i for i, c in enumerate(held.concept[rows].tolist())}
    captions = [json.loads(line) for line in (data / "captions.jsonl").open()]
    queries = [
        (locale, row["text"], [where[c] for c in row["concepts"]])
        for locale in locales
        for row in names_of(captions, locale, set(where))
    ]
    return [on_white(held.pixels[i]) for i in rows], queries


def photographs(outside: Path) -> tuple[list[Image.Image], list[Query]]:
    kept = [p for p in gcompris(outside) if p.half != "A"]
    kinds = ("animal", "thing", "monument")
    queries = [("all", name, right) for name, right in by_name(kept).items()]
    queries += [(kind, name, right) for kind in kinds for name, right in by_name(kept, kind).items()]
    return [p.picture for p in kept], queries


def stamps(outside: Path) -> tuple[list[Image.Image], list[Query]]:
    found = tux_paint(outside)
    queries = [(x, text, right) for x in ("en", *TUX_LANGUAGES) for text, right in by_caption(found, x).items()]
    return [p.picture for p in found], queries


def write(model: Model, folder: Path, pictures: list[Image.Image], queries: list[Query]) -> None:
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for i, picture in enumerate(pictures):
        picture.save(folder / f"pictures/{i}.png")
    listed = [{"group": group, "text": text, "right": right} for group, text, right in queries]
    (folder / "inputs.json").write_text(json.dumps({"pictures": len(pictures), "queries": listed}, ensure_ascii=False))
    vectors = {"pictures": model.encode_images(pictures), "texts": model.encode_texts([text for _, text, _ in queries])}
    for name, found in vectors.items():
        (folder / f"{name}.f32").write_bytes(found.to(torch.float32).contiguous().numpy().tobytes())
    print(f"{folder.name}: {len(pictures)} pictures, {len(queries)} texts", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--outside", type=Path, required=True, help="folder with the unpacked Debian packages")
    parser.add_argument("--sets", default="openmoji,flagpack,gcompris,tux")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    sets = {
        "openmoji": lambda: drawings(args.data, "openmoji", LANGUAGES),
        "flagpack": lambda: drawings(args.data, "flagpack", ("en",)),
        "gcompris": lambda: photographs(args.outside),
        "tux": lambda: stamps(args.outside),
    }
    model = Model(args.model)
    for name in args.sets.split(","):
        write(model, args.out / name, *sets[name]())


if __name__ == "__main__":
    main()
