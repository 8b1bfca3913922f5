"""Tests A to G on an exported model, each with chance, floor and n. Prints Markdown and writes results.json.

  A   text -> OpenMoji colour (a style never trained on), all concepts, by language, each asked by CLDR's short name alone;
      `others`: without the flags, which are easy; image -> concept; flags among flags in a style of their own, by all names
  A2  the same on OpenMoji's black line art
  B   text -> Art4Apps drawings, words of GCompris, not of CLDR
  C   keywords that were held out of training (5 % by hash) -> OpenMoji
  D   as A, for six languages; after a training without them this says how much comes from shared spelling
  E   as A, for the concepts given by --held-out-concepts
  F   photographs by coarse label; and by name, see photograph_tests.py
  G   English synonyms and kinds from WordNet, all trained on: do they find their concept's OpenMoji picture
  T   the tokenizer: names in capitals, decomposed and in full width, and emojis as text -> OpenMoji
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from unicodedata import normalize

import torch
import torch.nn.functional as F
from torch import Tensor

from . import floors
from .captions import emoji_text, is_flag
from .model import Model
from .outside import art4apps_test
from .photograph_tests import photograph_tests
from .pictures import Pictures, load_concepts, load_pictures, on_white
from .train_image import held_out_concepts
from .train_text import is_held_out_keyword

# 23 languages in 16 scripts.
LANGUAGES = (
    "en de es fr pl tr vi id sw ru el ar fa he hi bn ta th ko ja zh am ka".split()
)  # fmt: skip
ABLATION = "gl sl af mr ky lo".split()


def percent(hits: Tensor) -> float:
    return round(100 * hits.float().mean().item(), 1)


def first_right(scores: Tensor, right: list[list[int]]) -> Tensor:
    """Rank (0 is best) of the best right candidate in each row; scores [Q, C], right: candidate numbers of each row."""
    ranks = torch.empty(len(right), dtype=torch.long)
    for i, columns in enumerate(right):
        ranks[i] = (scores[i] > scores[i, columns].max()).sum()
    return ranks


def recall(ranks: Tensor) -> dict[str, float | int]:
    return {"r1": percent(ranks < 1), "r10": percent(ranks < 10), "n": len(ranks)}


def names_of(captions: list[dict], locale: str, among: set[int], short: bool = True) -> list[dict]:
    """The names in one language of the concepts `among`; short: only CLDR's own short name of each."""
    rows = [r for r in captions if r["locale"] == locale and r["kind"] == "name" and (r["short"] or not short)]
    rows = [r | {"concepts": [c for c in r["concepts"] if c in among]} for r in rows]
    return [r for r in rows if r["concepts"]]


def style_embeddings(model: Model, held: Pictures, style: str) -> tuple[Tensor, list[int]]:
    """Embeddings of all pictures of a style and their concepts."""
    rows = held.rows(style)
    return model.encode_images([on_white(held.pixels[i]) for i in rows], style), held.concept[rows].tolist()


def ask(model: Model, rows: list[dict], pictures: Tensor, concept: list[int]) -> dict:
    """Captions -> pictures, whose concepts are given."""
    where = {c: i for i, c in enumerate(concept)}
    scores = model.encode_texts([r["text"] for r in rows]) @ pictures.T
    return recall(first_right(scores, [[where[c] for c in r["concepts"]] for r in rows]))


def retrieval(
    model: Model, captions: list[dict], locale: str, pictures: Tensor, concept: list[int], short: bool = True
) -> dict:
    """Names of one language -> pictures of one style."""
    rows = names_of(captions, locale, set(concept), short)
    if not rows:
        return {"r1": 0.0, "r10": 0.0, "n": 0}
    return ask(model, rows, pictures, concept)


def concept_vectors(model: Model, captions: list[dict], concepts: int) -> Tensor:
    """One text vector a concept, [C, 512]: the mean of its names in the languages of the evaluation."""
    sums = torch.zeros(concepts, 512)
    for locale in LANGUAGES:
        rows = names_of(captions, locale, set(range(concepts)))
        for row, vector in zip(rows, model.encode_texts([r["text"] for r in rows])):
            sums[row["concepts"]] += vector / len(row["concepts"])
    return F.normalize(sums, dim=-1)


def classification(pictures: Tensor, concept: list[int], vectors: Tensor) -> dict:
    ranks = first_right(pictures @ vectors.T, [[c] for c in concept])
    return {"top1": percent(ranks < 1), "top5": percent(ranks < 5), "n": len(concept)}


def held_out_keywords(model: Model, captions: list[dict], pictures: Tensor, concept: list[int], step: int) -> dict:
    """Test C over the languages of the evaluation, every `step`th keyword."""
    where = {c: i for i, c in enumerate(concept)}
    rows = [r for r in captions if r["locale"] in LANGUAGES and is_held_out_keyword(r)][::step]
    rows = [r | {"right": [where[c] for c in r["concepts"] if c in where]} for r in rows]
    rows = [r for r in rows if r["right"]]
    scores = model.encode_texts([r["text"] for r in rows]) @ pictures.T
    result = recall(first_right(scores, [r["right"] for r in rows]))
    sizes = torch.tensor([len(r["right"]) for r in rows]).float()
    result["chance_r1"] = round(100 * (sizes / len(concept)).mean().item(), 2)
    return result | {"floor_trigrams": floors.trigram_lookup(captions, rows, concept)}


def six_languages(model: Model, by_locale: dict[str, list[dict]], pictures: Tensor, concept: list[int]) -> dict:
    """Test D: the languages that a training may leave out."""
    languages = {x: retrieval(model, by_locale[x], x, pictures, concept) for x in ABLATION}
    return {"languages": languages, "mean": {key: mean_of(languages, key) for key in ("r1", "r10")}}


def unseen_concepts(model: Model, english: list[dict], among: set[int], pictures: Tensor, concept: list[int]) -> dict:
    """Test E: English names of concepts that no training saw, among all pictures; and those of all others beside."""
    unseen, seen = (names_of(english, "en", chosen) for chosen in (among & set(concept), set(concept) - among))
    return ask(model, unseen, pictures, concept) | {"seen": ask(model, seen, pictures, concept)}


def full_width(text: str) -> str:
    """"dog" -> "ｄｏｇ"."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def written_forms(model: Model, by_locale: dict[str, list[dict]], concepts: list[dict], pictures: Tensor, concept: list[int]) -> dict:
    """Test T. Each form beside the plain one: capitals and full width in English, decomposed accents in Vietnamese."""
    names = {x: names_of(by_locale[x], x, set(concept)) for x in ("en", "vi")}
    emoji = [{"text": emoji_text(concepts[c]["code"]), "concepts": [c]} for c in concept if not concepts[c]["flag"]]
    written = lambda locale, form: [r | {"text": form(r["text"])} for r in names[locale]]  # noqa: E731
    forms = {
        "English": names["en"],
        "English in capitals": written("en", str.upper),
        "English in full width": written("en", full_width),
        "Vietnamese": written("vi", lambda text: normalize("NFC", text)),
        "Vietnamese, decomposed": written("vi", lambda text: normalize("NFD", text)),
        "emoji as text": emoji,
    }
    return {form: ask(model, rows, pictures, concept) for form, rows in forms.items()}


def mean_of(results: dict[str, dict], key: str) -> float:
    return round(sum(r[key] for r in results.values()) / len(results), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="exported model")
    parser.add_argument("--outside", type=Path, help="folder with the unpacked Debian packages, for tests B and F")
    parser.add_argument("--held-out-concepts", type=int, default=0, help="how many were held out (test E)")
    parser.add_argument("--only", choices=("D", "E"), help="that test alone, of a training run for it")
    parser.add_argument("--floors", action="store_true", help="compute the floors too (a minute)")
    parser.add_argument("--results", type=Path, help="default: results.json beside the model")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    concepts = load_concepts(args.data)
    captions = [json.loads(line) for line in (args.data / "captions.jsonl").open()]
    by_locale = defaultdict(list)
    for row in captions:
        by_locale[row["locale"]].append(row)
    held = load_pictures(args.data, "heldout")
    model = Model(args.model, args.data / "embedded")
    out = args.results or args.model / "results.json"
    results: dict[str, dict] = {}

    if args.only:
        pictures, concept = style_embeddings(model, held, "openmoji")
        if args.only == "D":
            results["D"] = six_languages(model, by_locale, pictures, concept)
        else:
            among = held_out_concepts(concepts, args.held_out_concepts)
            results["E"] = unseen_concepts(model, by_locale["en"], among, pictures, concept)
        out.write_text(json.dumps(results, indent=1) + "\n")
        print_report(results)
        return

    vectors = concept_vectors(model, [r for locale in LANGUAGES for r in by_locale[locale]], len(concepts))
    for test, style in (("A", "openmoji"), ("A2", "openmoji-black")):
        pictures, concept = style_embeddings(model, held, style)
        languages = {x: retrieval(model, by_locale[x], x, pictures, concept) for x in LANGUAGES}
        results[test] = {
            "candidates": len(concept),
            "chance": {"r1": round(100 / len(concept), 2), "r10": round(1000 / len(concept), 2)},
            "languages": languages,
            "mean": {"r1": mean_of(languages, "r1"), "r10": mean_of(languages, "r10")},
            "image_to_concept": classification(pictures, concept, vectors),
        }
        if args.floors:
            results[test]["image_to_concept"]["floor_pixels"] = floors.pixel_neighbour(
                load_pictures(args.data, "pictures"), held, style
            )
        if test == "A":
            unflagged = [r for r in captions if not any(concepts[c]["flag"] for c in r["concepts"])]
            others = {x: retrieval(model, [r for r in unflagged if r["locale"] == x], x, pictures, concept) for x in LANGUAGES}
            results[test]["others"] = {
                "languages": others, "mean": {"r1": mean_of(others, "r1"), "r10": mean_of(others, "r10")}
            }  # fmt: skip
            results["C"] = held_out_keywords(model, captions, pictures, concept, 4)
            results["D"] = six_languages(model, by_locale, pictures, concept)
            results["T"] = written_forms(model, by_locale, concepts, pictures, concept)
            results["G"] = ask(model, [r for r in captions if r["kind"] == "wordnet"], pictures, concept)

    pictures, concept = style_embeddings(model, held, "flagpack")
    assert all(is_flag(concepts[c]["code"]) for c in concept)
    languages = {x: retrieval(model, by_locale[x], x, pictures, concept, short=False) for x in LANGUAGES}
    results["flags"] = {
        "candidates": len(concept),
        "chance": {"r1": round(100 / len(concept), 2), "r10": round(1000 / len(concept), 2)},
        "languages": languages,
        "mean": {"r1": mean_of(languages, "r1"), "r10": mean_of(languages, "r10")},
    }
    if args.outside:
        results["B"] = art4apps_test(model, args.outside, by_locale)
        results["photographs"] = photograph_tests(model, args.outside)
    out.write_text(json.dumps(results, indent=1) + "\n")
    print_report(results)


def print_report(results: dict[str, dict]) -> None:
    for test in ("A", "A2", "flags", "B"):
        if test not in results:
            continue
        part = results[test]
        print(f"\n## {test}: {part['candidates']} candidates, chance {part['chance']}, mean {part['mean']}")
        print("\n| language | R@1 | R@10 | n |\n|---|---|---|---|")
        for locale, r in part["languages"].items():
            print(f"| {locale} | {r['r1']} | {r['r10']} | {r['n']} |")
        if "others" in part:
            print(f"\nwithout flags: English {part['others']['languages']['en']}, mean {part['others']['mean']}")
        if "image_to_concept" in part:
            print(f"\nimage -> concept: {part['image_to_concept']}")
    for test in ("C", "D", "E", "G", "T", "photographs"):
        if test in results:
            print(f"\n## {test}\n\n{json.dumps(results[test])}")


if __name__ == "__main__":
    main()
