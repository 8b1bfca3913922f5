"""The photographs of the product's retrieval test: half B of GCompris' free photographs, which nothing is trained on, and free ones
of scikit-image that the page's gallery shows. Those without a name are there to be told apart.

Writes photographs/<name>.webp and photographs.json: names, floors for one checkpoint, each photograph's author, licence and source,
and the vectors of some.
"""

import argparse
import base64
import json
import re
import shutil
from pathlib import Path

from .evaluate import first_right, recall
from .model import Model
from .outside import RESOURCES, opaque
from .photographs import COPYRIGHT, half_of
from .rcc import read_rcc

LOCALES = ("en", "de", "zh", "ja", "hi")
FIRST = 3
MARGIN = 8  # points: a name is seven points here
HERE = Path(__file__).parent.parent


def copyright_of(place: str, outside: Path) -> str:
    """Author, licence and source of a file, as Debian's copyright file has them."""
    for stanza in re.split(r"\n\s*\n", (outside / COPYRIGHT).read_text()):
        if re.search(rf"/{re.escape(place)}\.\w+$", stanza, re.MULTILINE):
            fields = (re.search(rf"^{name}:\s*(.*)$", stanza, re.MULTILINE) for name in ("Copyright", "License", "Comment"))
            return ", ".join(field[1] for field in fields if field)
    raise ValueError(f"{place} is not in {COPYRIGHT}")


def file_of(place: str) -> str:
    """"tools/hammer3" -> "hammer3.webp"; "gallery/cat-scikit-image" -> "cat.webp"."""
    return place.split("/")[-1].split("-")[0].lower() + ".webp"


def read_photographs(places: list[str], outside: Path, gallery: Path) -> dict[str, tuple[bytes, str]]:
    """File name -> bytes, and where they come from."""
    resources = read_rcc(outside / RESOURCES / "categorization.rcc")
    shown = {p["file"]: p for p in json.loads((gallery / "../../gallery/pictures.json").read_text())}
    photographs = {}
    for place in places:
        if place.startswith("gallery/"):
            found = next(path for path in gallery.iterdir() if path.name.startswith(place.removeprefix("gallery/")))
            credit = shown[found.name]["credit"]
            photographs[file_of(place)] = found.read_bytes(), "scikit-image; " + ", ".join(credit.values())
        else:
            content = next(c for path, c in resources.items() if path.endswith(f"images/{place}.webp"))
            assert half_of(content) == "B", place
            photographs[file_of(place)] = content, "GCompris; " + copyright_of(f"images/{place}", outside)
    return photographs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--outside", type=Path, required=True, help="folder with the unpacked Debian packages")
    parser.add_argument("--gallery", type=Path, default=HERE / "../web/public/gallery")
    parser.add_argument("--out", type=Path, default=HERE / "../test/fixtures/retrieval")
    args = parser.parse_args()
    things = json.loads((HERE / "photograph_names.json").read_text())
    things.pop("about")
    photographs = read_photographs([place for thing in things.values() for place in thing["places"]], args.outside, args.gallery)
    shutil.rmtree(args.out / "photographs", ignore_errors=True)
    (args.out / "photographs").mkdir(parents=True)
    for name, (content, _) in photographs.items():
        (args.out / "photographs" / name).write_bytes(content)
    files = sorted(photographs)
    model = Model(args.model)
    pictures = model.encode_images([opaque(photographs[name][0]) for name in files])
    names, floors, measured = {}, {}, {}
    for locale in LOCALES:
        asked = [thing for thing in things.values() if locale in thing["names"]]
        right = [sorted(files.index(file_of(place)) for place in thing["places"]) for thing in asked]
        ranks = first_right(model.encode_texts([thing["names"][locale] for thing in asked]) @ pictures.T, right)
        measured[locale] = {"r1": recall(ranks)["r1"], f"r{FIRST}": round(100 * (ranks < FIRST).float().mean().item(), 1)}
        names[locale] = [{"text": t["names"][locale], "pictures": [files[i] for i in which]} for t, which in zip(asked, right)]
        floors[locale] = {k: round(v - MARGIN) for k, v in measured[locale].items()}
    about = f"percent of names whose photograph is the first (r1) or among the first {FIRST} (r{FIRST}) of all by cosine"
    sources = {name: photographs[name][1] for name in files}
    of = lambda i: base64.b64encode(pictures[i].numpy().tobytes()).decode()  # noqa: E731  little-endian float32
    vectors = {files[i]: of(i) for i in range(0, len(files), 8)}
    written = {"about": about, "floors": floors, "measured": measured, "names": names, "sources": sources, "vectors": vectors}
    (args.out / "photographs.json").write_text(json.dumps(written, ensure_ascii=False, indent=1) + "\n")
    print(len(files), measured)


if __name__ == "__main__":
    main()
