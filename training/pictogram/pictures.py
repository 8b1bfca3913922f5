"""Rendered pictures as a memory-mapped array, batches drawn evenly over concepts, and the plain view of evaluation."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .augment import normalise

STORED = 104  # pixels a side, as render.mjs draws them

# Concepts that their mirror image turns into something else.
ONE_WAY = re.compile(
    r"arrow|left|right|facing|clock|thirty|button|keycap|input|letter|flag|symbol|mark|sign|hand|finger|thumb|fist|point|"
    r"moon|quarter|musical|abc|number|hundred|banknote|currency|dollar|atm|water closet|passport|calendar|infinity|play"
)

# Concepts that are told apart by colour: kept from palette changes, as flags are.
BY_COLOUR = re.compile(r"\b(red|orange|yellow|green|blue|purple|brown|black|white|pink|grey)\b.*\b(circle|square|heart|diamond|flag|book|apple)")

# Sets that were not drawn as emojis: fewer concepts, simpler or freer drawings, some joined by a word that fits loosely.
GENERAL = re.compile(r"icon-park|flat-.*|marketeq|meteocons|fluent-color|streamline-.*color|game-icons|ph|tabler|lucide|mdi|fa6-solid|healthicons")


@dataclass
class Pictures:
    pixels: np.ndarray  # [N, 104, 104, 4] uint8, straight alpha
    concept: Tensor  # [N] long
    style: list[str]
    variant: list[str]

    def rows(self, style: str) -> list[int]:
        return [i for i, s in enumerate(self.style) if s == style]


def load_pictures(folder: Path, name: str) -> Pictures:
    lines = [json.loads(line) for line in (folder / f"{name}.jsonl").open()]
    pixels = np.memmap(folder / f"{name}.rgba", dtype=np.uint8, mode="r").reshape(-1, STORED, STORED, 4)
    assert len(pixels) == len(lines), f"{name}: {len(pixels)} pictures but {len(lines)} lines; render again"
    concept = torch.tensor([line["concept"] for line in lines])
    return Pictures(pixels, concept, [line["style"] for line in lines], [line["variant"] for line in lines])


def load_concepts(folder: Path) -> list[dict]:
    return json.loads((folder / "concepts.json").read_text())


def concept_masks(concepts: list[dict]) -> tuple[Tensor, Tensor]:
    """(keeps its colours, may be mirrored), both [C] bool."""
    keeps = torch.tensor([c["flag"] or bool(BY_COLOUR.search(c["name"])) for c in concepts])
    mirror = torch.tensor([not c["flag"] and not ONE_WAY.search(c["name"]) for c in concepts])
    return keeps, mirror


def sampling_weights(pictures: Pictures, concepts: list[dict], held_out: set[int]) -> np.ndarray:
    """[N] probabilities: every concept alike (flags half, they are easy), variants and general icons half as often as plain emojis."""
    weight = np.array([1.0 if v == "plain" else 0.5 for v in pictures.variant])
    weight *= np.array([0.5 if GENERAL.fullmatch(s) else 1.0 for s in pictures.style])
    concept = pictures.concept.numpy()
    weight[np.isin(concept, list(held_out))] = 0
    keeps = concept_masks(concepts)[0].numpy()
    weight[keeps[concept] & np.array([v not in ("plain", "outline") for v in pictures.variant])] = 0
    total = np.bincount(concept, weight, minlength=len(concepts))
    share = np.array([0.5 if c["flag"] else 1.0 for c in concepts])
    weight *= share[concept] / np.maximum(total[concept], 1e-9)
    return weight / weight.sum()


def on_white(rgba: np.ndarray) -> Image.Image:
    """RGBA pixels [H, W, 4] -> an opaque picture on white, as the product does it for transparent input."""
    picture = Image.fromarray(rgba, "RGBA")
    white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, picture).convert("RGB")


def preprocess(picture: Image.Image, size: int) -> Tensor:
    """The product's preprocessing: shortest side to size (bicubic, antialiased), centre crop; normalised [3, size, size]."""
    width, height = picture.size
    short = min(width, height)
    target = (size * width // short, size * height // short)
    picture = picture.resize(target, Image.Resampling.BICUBIC)
    left, top = (target[0] - size) // 2, (target[1] - size) // 2
    picture = picture.crop((left, top, left + size, top + size))
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
    return normalise(pixels[None])[0]


def plain_views(pictures: Pictures, rows: list[int], size: int) -> Tensor:
    """Pictures as the product would see them, [len(rows), 3, size, size]."""
    return torch.stack([preprocess(on_white(pictures.pixels[i]), size) for i in rows])
