"""Compares two exported models in test B, with the standard error of the difference: drawings are drawn with replacement, thousands of
times, and every word goes with its drawing. Two models that differ by less than that cannot be told apart by these drawings."""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import torch
from torch import Tensor

from .model import Model
from .outside import FEWEST_WORDS, Asked, ask_art4apps

DRAWS = 4000


def recall(asked: list[Asked], most: int, weight: Tensor) -> float:
    """Mean of the languages, in percent, of the words that CLDR has; each counts by the weight of its drawing."""
    of_languages = []
    for a in asked:
        weights = weight[a.wanted[a.is_known]]
        of_languages.append((weights * (a.ranks[a.is_known] < most)).sum() / weights.sum())
    return 100 * torch.stack(of_languages).mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--outside", type=Path, required=True, help="folder with the unpacked Debian packages")
    parser.add_argument("models", type=Path, nargs=2, help="exported models")
    args = parser.parse_args()
    by_locale = defaultdict(list)
    for row in map(json.loads, (args.data / "captions.jsonl").open()):
        by_locale[row["locale"]].append(row)
    one, other = (
        [a for a in ask_art4apps(Model(model), args.outside, by_locale) if a.is_known.sum() >= FEWEST_WORDS]
        for model in args.models
    )
    drawings = one[0].drawings
    generator = torch.Generator().manual_seed(0)
    draws = [torch.randint(drawings, (drawings,), generator=generator).bincount(minlength=drawings).float() for _ in range(DRAWS)]
    print(f"Test B, {len(one)} languages, {sum(int(a.is_known.sum()) for a in one)} words, {drawings} drawings")
    for most in (1, 10):
        first, second = (recall(asked, most, torch.ones(drawings)) for asked in (one, other))
        error = torch.tensor([recall(one, most, w) - recall(other, most, w) for w in draws]).std().item()
        print(f"R@{most}: {first:.2f} and {second:.2f}, difference {first - second:+.2f} with a standard error of {error:.2f}")


if __name__ == "__main__":
    main()
