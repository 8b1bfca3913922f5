"""Photographs of GCompris (Debian's gcompris-qt-data) and pictures of Tux Paint's stamps, for the gate and for tests.

Half A of GCompris' public-domain photographs teaches the gate what a photograph is, and the web page may show them. Everything else
here is only ever looked at by tests. The halves are told apart by the SHA-256 of a file's bytes: an even first byte is half A.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from .outside import RESOURCES, opaque, strip_article
from .rcc import read_rcc

ACTIVITIES = ("erase", "explore_farm_animals", "explore_world_animals", "explore_monuments", "categorization")
COPYRIGHT = "usr/share/doc/gcompris-qt-data/copyright"
STAMPS = "usr/share/tuxpaint/stamps"
FREE = re.compile(r"public-domain|CC0-1\.0$", re.IGNORECASE)

# File names that are no names of what they show.
NAMES = {
    "solar": "solar panel", "plier": "pliers", "nail cutter": "nail clippers", "screw driver": "screwdriver", "others": "",
    "blackslate": "slate blackboard", "buffetset": "buffet set", "bulb": "light bulb", "burj": "burj khalifa",
    "weighing machine": "weighing scale", "tweezer": "tweezers", "chamaeleon": "chameleon", "camels": "camel", "swans": "swan",
    "spoonbills": "spoonbill", "meerkats": "meerkat", "spoons": "spoon", "erasers": "eraser", "wonders": "",
}  # fmt: skip

# Tux Paint's folders that show no things.
NO_THINGS = re.compile(r"seasonal|space|naturalforces|.*(symbols|cartoon|roadsigns|flags|chess|_mirror|_flip|ammunition)")

# Words for many things, and Tux Paint's or GCompris' folders that hold them.
CATEGORIES = {
    "animal": r"animals|erase|explore_(farm|world)_animals|fishes", "bird": r"animals/birds", "fish": r"animals/fish|fishes",
    "insect": r"animals/insects", "dog": r"animals/dogs", "cat": r"animals/cats", "dinosaur": r"animals/dinosaurs",
    "reptile": r"animals/reptiles", "fruit": r"food/fruit|foods?/fruit", "vegetable": r"food/vegetables", "food": r"food|foods",
    "plant": r"plants|flowers", "flower": r"flowers", "vehicle": r"vehicles", "car": r"vehicles/(auto|car)", "ship": r"vehicles/(ship|boat)",
    "aircraft": r"vehicles/(plane|flight|aircraft|air)", "tool": r"/tools/|household/tools", "building": r"monuments|buildings|town/building",
    "musical instrument": r"music|instruments",
}  # fmt: skip


@dataclass
class Photograph:
    name: str  # what it shows, in English; empty where the file's name does not say
    kind: str  # animal, thing or monument; stamp for Tux Paint's
    place: str  # path inside its package
    picture: Image.Image
    free: bool = False  # in the public domain
    half: str = ""  # A or B of the free ones
    translations: dict[str, str] | None = None


def half_of(content: bytes) -> str:
    return "B" if hashlib.sha256(content).digest()[0] % 2 else "A"


def free_files(outside: Path) -> set[str]:
    """"activity/file" without its extension, for what Debian's copyright file calls public domain or CC0."""
    free = set()
    for stanza in re.split(r"\n\s*\n", (outside / COPYRIGHT).read_text()):
        fields = re.split(r"\n(?=\S)", stanza.strip())
        values = dict(re.split(r":\s*", field, maxsplit=1) for field in fields if ":" in field)
        if FREE.match(values.get("License", "").split("\n")[0]):
            for file in values.get("Files", "").split():
                if match := re.fullmatch(r"src/activities/(\w+)/resource/(.+)\.\w+", file):
                    free.add(f"{match[1]}/{match[2]}")
    return free


def spoken_name(stem: str) -> str:
    """"bald_eagle2" and "baldEagle" -> "bald eagle"."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"\d+$", "", stem)).replace("_", " ")
    name = " ".join(words.split()).lower()
    return NAMES.get(name, name)


def kind_of(activity: str, path: str) -> str:
    if "animals" in activity or activity == "erase" or "fishes" in path:
        return "animal"
    return "monument" if "onument" in activity + path else "thing"


def gcompris(outside: Path) -> list[Photograph]:
    """All photographs of five activities, each file once."""
    free, found, seen = free_files(outside), [], set()
    for activity in ACTIVITIES:
        for path, content in sorted(read_rcc(outside / RESOURCES / f"{activity}.rcc").items()):
            place = path.split("resource/")[1] if "resource/" in path else path
            if not path.endswith(".webp") or re.search(r"/(alphabets|numbers)/", place) or content in seen:
                continue
            seen.add(content)
            is_free = f"{activity}/{place.removesuffix('.webp')}" in free
            found.append(Photograph(
                spoken_name(Path(place).stem), kind_of(activity, place), f"{activity}/{place}", opaque(content), is_free,
                half_of(content) if is_free else "",
            ))  # fmt: skip
    return found


def first_phrase(text: str) -> str:
    """A stamp's caption up to its first full stop, question or bracket, in lower case and without quotation marks."""
    return re.split(r"[.!?(。！？（]|—", text.strip())[0].strip(" “”\"'»«").lower()


def tux_paint(outside: Path) -> list[Photograph]:
    """Stamps with a caption; the first line of a stamp's text file is English, the others are "de.utf8=..."."""
    root, found = outside / STAMPS, []
    for file in sorted(root.rglob("*.png")):
        place, text = str(file.relative_to(root)), file.with_suffix(".txt")
        if NO_THINGS.match(place) or not text.exists():
            continue
        english, *others = text.read_text("utf8", errors="replace").splitlines()
        name = re.sub(r"^(an?|the|a pair of|a head of)\s+", "", first_phrase(english))
        pairs = (line.split(".utf8=", 1) for line in others if ".utf8=" in line)
        translations = {locale: first_phrase(strip_article(caption.strip(), locale)) for locale, caption in pairs}
        found.append(Photograph(name, "stamp", place, opaque(file), translations={k: v for k, v in translations.items() if v}))
    return found
