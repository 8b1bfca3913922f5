"""Tests on photographs, through any model with `encode_images` and `encode_texts`, each with chance and n.

  GC    the names of GCompris' photographs -> the photographs; every photograph of that name is right. Half A is left out
  Tux   the captions of Tux Paint's stamps -> the stamps, in English and 25 other languages
  words for many things ("bird") -> GC and Tux together: the share that is right among the first ten
  F     GC into four coarse labels by the nearest label's word
"""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from .photographs import CATEGORIES, Photograph, gcompris, tux_paint

# 25 languages with nearly all captions, in 13 scripts.
TUX_LANGUAGES = "cs de el es fi fr he hi hu hy id it ja ka ko nl pl pt ru sv th tr uk vi zh_CN".split()
LABELS = ("animal", "fish", "building", "tool")
FIRST = 10


def figures(ranks: Tensor) -> dict:
    share = lambda hits: round(100 * hits.float().mean().item(), 1)  # noqa: E731
    return {"r1": share(ranks < 1), "r10": share(ranks < 10), "n": len(ranks)}


def ask(encode: Callable[[list[str]], Tensor], queries: dict[str, list[int]], pictures: Tensor) -> dict:
    """Texts, each with the numbers of the pictures that are right."""
    scores = encode(list(queries)) @ pictures.T
    best = torch.stack([row[right].max() for row, right in zip(scores, queries.values())])
    return figures((scores > best[:, None]).sum(1)) | {"chance": chance(queries, len(pictures))}


def chance(queries: dict[str, list[int]], pictures: int) -> dict:
    """Percent that guessing finds."""
    def found(right: int, among: int) -> float:
        missed = 1.0
        for drawn in range(among):
            missed *= max(0, pictures - right - drawn) / (pictures - drawn)
        return 1 - missed

    mean = lambda among: round(100 * sum(found(len(r), among) for r in queries.values()) / len(queries), 1)  # noqa: E731
    return {"r1": mean(1), "r10": mean(10)}


def by_name(photographs: list[Photograph], kind: str | None = None) -> dict[str, list[int]]:
    wanted = {p.name for p in photographs if p.name and kind in (None, p.kind)}
    return {name: [i for i, p in enumerate(photographs) if p.name == name] for name in sorted(wanted)}


def by_caption(stamps: list[Photograph], locale: str) -> dict[str, list[int]]:
    queries: dict[str, list[int]] = {}
    for i, stamp in enumerate(stamps):
        text = stamp.name if locale == "en" else (stamp.translations or {}).get(locale)
        if text:
            queries.setdefault(text, []).append(i)
    return queries


def label_of(place: str) -> str | None:
    activity, _, path = place.partition("/")
    if activity in ("erase", "explore_farm_animals", "explore_world_animals"):
        return "animal"
    if activity == "explore_monuments" or "/monuments/" in path:
        return "building"
    return "fish" if "/fishes/" in path else "tool" if "/tools/" in path else None


def coarse_labels(encode: Callable[[list[str]], Tensor], photographs: list[Photograph], pictures: Tensor) -> dict:
    truth = [label_of(p.place) for p in photographs]
    rows = [i for i, label in enumerate(truth) if label]
    given = (pictures[rows] @ encode(list(LABELS)).T).argmax(1).tolist()
    counts = Counter(truth[i] for i in rows)
    right = sum(LABELS[g] == truth[i] for g, i in zip(given, rows))
    return {
        "accuracy": round(100 * right / len(rows), 1), "chance": 25.0,
        "floor_majority": round(100 * max(counts.values()) / len(rows), 1), "n": len(rows), "labels": dict(counts),
    }  # fmt: skip


def category_precision(encode: Callable[[list[str]], Tensor], places: list[str], pictures: Tensor) -> dict:
    """How many of the first ten, or of as many as there are, are right for words that mean many pictures."""
    words = {w: [bool(re.search(pattern, p)) for p in places] for w, pattern in CATEGORIES.items()}
    words = {w: torch.tensor(right) for w, right in words.items() if sum(right) >= 2}
    scores = encode(list(words)) @ pictures.T
    each = {}
    for (word, right), row in zip(words.items(), scores):
        most = min(FIRST, int(right.sum()))
        each[word] = round(100 * right[row.topk(most).indices].float().mean().item())
    guessed = 100 * sum(right.float().mean().item() for right in words.values()) / len(words)
    return {"mean": round(sum(each.values()) / len(each), 1), "chance": round(guessed, 1), "n": len(each), "words": each}


def photograph_tests(model, outside: Path) -> dict:
    everything, stamps = gcompris(outside), tux_paint(outside)
    found = model.encode_images([p.picture for p in everything], "gcompris")
    kept = [i for i, p in enumerate(everything) if p.half != "A"]
    photographs, pictures = [everything[i] for i in kept], found[kept]
    stamped = model.encode_images([p.picture for p in stamps], "tux")
    encode = model.encode_texts
    languages = {x: ask(encode, by_caption(stamps, x), stamped) for x in TUX_LANGUAGES}
    mean = lambda key: round(sum(r[key] for r in languages.values()) / len(languages), 1)  # noqa: E731
    return {
        "gcompris": {"photographs": len(photographs), "all": ask(encode, by_name(photographs), pictures)}
        | {kind: ask(encode, by_name(photographs, kind), pictures) for kind in ("animal", "thing", "monument")},
        "tux": {
            "stamps": len(stamps), "en": ask(encode, by_caption(stamps, "en"), stamped),
            "mean": {"r1": mean("r1"), "r10": mean("r10")}, "languages": languages,
        },
        "categories": category_precision(encode, [p.place for p in photographs + stamps], torch.cat([pictures, stamped])),
        "F": coarse_labels(encode, photographs, pictures),
    }  # fmt: skip
