"""The product's retrieval test: a fixed small part of test A that its repository can carry, with floors for one checkpoint.

Writes pictures/<code>.png (OpenMoji, CC-BY-SA-4.0), retrieval.json and ATTRIBUTION.md. Pictures are chosen by hash, flags as
well; a floor is what the checkpoint reaches on exactly these pictures, less a few points.
"""

import argparse
import json
import shutil
from pathlib import Path

from PIL import Image

from .captions import hash_fraction
from .evaluate import first_right, names_of, recall
from .model import Model
from .outside import opaque
from .pictures import STORED, load_concepts, load_pictures

LOCALES = ("en", "de", "zh", "ja", "hi")
MARGIN = 5  # points between the checkpoint's figure and the floor

ATTRIBUTION = """# Pictures for the retrieval test

The {count} pictures in `pictures/` are emojis designed by OpenMoji (https://openmoji.org), the open-source emoji and icon project, version
17.0.0, rendered to {side} x {side} pixels. Licence: CC BY-SA 4.0 (https://creativecommons.org/licenses/by-sa/4.0/), see LICENSE.txt.
They are test data alone: no model was trained on them, and the product does not contain them.

The names in `retrieval.json` are from Unicode CLDR 48.2 (Unicode-3.0), copyright © 2004-2026 Unicode, Inc.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=180)
    args = parser.parse_args()
    concepts = load_concepts(args.data)
    held = load_pictures(args.data, "heldout")
    rows = sorted(held.rows("openmoji"), key=lambda i: hash_fraction("retrieval " + concepts[held.concept[i]]["code"]))
    rows = sorted(rows[: args.count], key=lambda i: concepts[held.concept[i]]["code"])
    shutil.rmtree(args.out, ignore_errors=True)
    (args.out / "pictures").mkdir(parents=True)
    files = []
    for i in rows:
        files.append(args.out / "pictures" / f"{concepts[held.concept[i]]['code']}.png")
        Image.fromarray(held.pixels[i], "RGBA").save(files[-1], optimize=True)
    where = {held.concept[row].item(): i for i, row in enumerate(rows)}
    captions = [json.loads(line) for line in (args.data / "captions.jsonl").open()]
    model = Model(args.model)
    pictures = model.encode_images([opaque(file) for file in files])
    names, floors, measured = {}, {}, {}
    for locale in LOCALES:
        found = names_of([r for r in captions if r["locale"] == locale], locale, set(where))
        right = [sorted(where[c] for c in r["concepts"]) for r in found]
        scores = model.encode_texts([r["text"] for r in found]) @ pictures.T
        measured[locale] = recall(first_right(scores, right))
        names[locale] = [{"text": r["text"], "pictures": [files[i].name for i in which]} for r, which in zip(found, right)]
        floors[locale] = {k: round(measured[locale][k] - MARGIN) for k in ("r1", "r10")}
    retrieval = {
        "about": "percent of names whose picture is the first (r1) or among the first ten (r10) of all pictures by cosine",
        "chance": {"r1": round(100 / len(rows), 2), "r10": round(1000 / len(rows), 2)},
        "floors": floors,
        "measured": measured,
        "names": names,
    }
    (args.out / "retrieval.json").write_text(json.dumps(retrieval, ensure_ascii=False, indent=1) + "\n")
    (args.out / "ATTRIBUTION.md").write_text(ATTRIBUTION.format(count=len(rows), side=STORED))
    shutil.copyfile(args.packages / "openmoji/LICENSE.txt", args.out / "LICENSE.txt")
    size = sum(p.stat().st_size for p in args.out.rglob("*") if p.is_file())
    print(f"{len(rows)} pictures, {size:,} bytes in all; {measured}")


if __name__ == "__main__":
    main()
