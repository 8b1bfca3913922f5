"""Tests on pictures and words from elsewhere: Art4Apps drawings with GCompris' word lists (B).

Both come from Debian packages that are unpacked, never installed: see `make outside`. Art4Apps is CC-BY-SA and is only looked at.
"""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from .model import Model
from .rcc import read_rcc

DRAWINGS = "usr/share/games/pysiogame/res/images/art4apps"
RESOURCES = "usr/share/gcompris-qt/rcc"
WORDS = "gcompris/src/activities/lang/resource/content-"

# GCompris writes nouns with their article in some languages; CLDR does not.
ARTICLES = {
    "en": r"(the|an?|to) ",
    "fr": r"(une?|des|les?|la|du|de la|de l'|l'|de) ?(?<=[' ])",
    "de": r"(der|die|das|eine?) ",
    "es": r"(el|la|los|las|una?) ",
    "it": r"(il|lo|la|i|gli|le|un[ao]?|l'|un') ?(?<=[' ])",
    "pt": r"(os?|as?|uma?) ",
    "pt_BR": r"(os?|as?|uma?) ",
    "ca": r"(el|la|els|les|una?|l') ?(?<=[' ])",
    "gl": r"(os?|as?|unha|un) ",
    "nl": r"(de|het|een) ",
    "el": r"(ο|η|το|οι|τα|ένα|ένας|μία|μια) ",
    "nn": r"(ein|ei|eit|å) ",
    "da": r"(en|et|at) ",
    "sv": r"(en|ett|att) ",
    "br": r"(ur|un|ul|ar|an|al) ",
    "ga": r"an ",
    "hu": r"(a|az|egy) ",
    "ro": r"(un|o) ",
}


def strip_article(text: str, locale: str) -> str:
    pattern = ARTICLES.get(locale)
    return re.sub(f"^{pattern}", "", text, flags=re.IGNORECASE) if pattern else text


def opaque(content: bytes | Path) -> Image.Image:
    picture = Image.open(io.BytesIO(content) if isinstance(content, bytes) else content).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, (255, 255, 255, 255)), picture).convert("RGB")


def cldr_locale(locale: str) -> str:
    return {"zh_CN": "zh", "zh_TW": "zh-Hant", "pt_BR": "pt", "nb_NO": "no", "nb": "no"}.get(locale, locale.replace("_", "-"))


class Asked(NamedTuple):
    """What one language's words found among all drawings. All but `drawings` have an item for each word."""

    locale: str
    drawings: int
    wanted: Tensor  # the number of the drawing that the word belongs to
    ranks: Tensor  # how many drawings were found before it
    is_known: Tensor  # whether CLDR has the word
    is_name: Tensor  # whether it is the name of a concept there


def ask_art4apps(model: Model, outside: Path, by_locale: dict[str, list[dict]]) -> Iterator[Asked]:
    files = {p.stem: p for p in sorted((outside / DRAWINGS).glob("*/*")) if p.suffix in (".jpg", ".png")}
    resources = read_rcc(outside / RESOURCES / "lang.rcc")
    lists = {
        path.removeprefix(WORDS).removesuffix(".json"): json.loads(content)
        for path, content in resources.items()
        if path.startswith(WORDS)
    }
    keys = sorted(k for k in files if f"{k}.ogg" in lists["en"])
    pictures = model.encode_images([opaque(files[k]) for k in keys], "art4apps")
    for locale, translated in sorted(lists.items()):
        captions = by_locale.get(cldr_locale(locale))
        if not captions:
            continue
        vocabulary = {row["text"].lower() for row in captions if row["kind"] != "wordnet"}
        names = {row["text"].lower() for row in captions if row["kind"] == "name"}
        pairs = [(i, strip_article(translated[f"{k}.ogg"].strip(), locale)) for i, k in enumerate(keys) if translated.get(f"{k}.ogg")]
        pairs = [(i, text) for i, text in pairs if text]
        scores = model.encode_texts([text for _, text in pairs]) @ pictures.T
        wanted = torch.tensor([i for i, _ in pairs])
        ranks = (scores > scores.gather(1, wanted[:, None])).sum(1)
        among = lambda words: torch.tensor([text.lower() in words for _, text in pairs])  # noqa: E731
        yield Asked(locale, len(keys), wanted, ranks, among(vocabulary), among(names))


FEWEST_WORDS = 30


def art4apps_test(model: Model, outside: Path, by_locale: dict[str, list[dict]]) -> dict:
    """Word -> drawing among all drawings that GCompris has a word for, in each language. `languages`: words that CLDR has too, most of
    them keywords of several concepts; `named`: words that are the name of a concept."""
    languages, known_languages, named_languages = {}, {}, {}
    for asked in ask_art4apps(model, outside, by_locale):
        languages[asked.locale] = figures(asked.ranks)
        for chosen, found in ((asked.is_known, known_languages), (asked.is_name, named_languages)):
            if chosen.sum() >= FEWEST_WORDS:
                found[asked.locale] = figures(asked.ranks[chosen])
    return {
        "candidates": asked.drawings,
        "chance": {"r1": round(100 / asked.drawings, 2), "r10": round(1000 / asked.drawings, 2)},
        "languages": known_languages,
        "mean": mean(known_languages),
        "named": {"mean": mean(named_languages), "languages": named_languages},
        "all_words": {"mean": mean(languages), "languages": languages},
    }


def figures(ranks: torch.Tensor) -> dict:
    share = lambda hits: round(100 * hits.float().mean().item(), 1)  # noqa: E731
    return {"r1": share(ranks < 1), "r10": share(ranks < 10), "n": len(ranks)}


def mean(languages: dict[str, dict]) -> dict:
    if not languages:
        return {}
    return {k: round(sum(r[k] for r in languages.values()) / len(languages), 1) for k in ("r1", "r10")}
