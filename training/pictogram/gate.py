"""Stage 3: is a picture a photograph? A logistic regression on the classifier's features and on how sure it is.

Drawings there are in plenty, in hundreds of styles. Photographs are few: half A of GCompris' public-domain ones, each cropped,
mirrored, scaled, darkened and blurred in many ways. So what the gate learns is above all what drawings look like: where it is
unsure, both parts of the vector count alike, which costs little.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageEnhance, ImageFilter
from torch import Tensor, nn

from .features import Features
from .photographs import Photograph
from .pictures import Pictures, on_white

AXES = 44  # main axes of the drawings' features that the regression sees, beside two signs of how sure the classifier is
VIEWS = 30  # of each photograph
DECAY, DECAY_OF_SIGNS = 1e-2, 1e-3
CAUTION = 1.0  # taken off the logit: a drawing that passes for a photograph loses more than a photograph that is doubted


def views(photograph: Image.Image, count: int, luck: random.Random) -> Iterator[Image.Image]:
    """The photograph itself, and parts and shades of it."""
    yield photograph
    for _ in range(count - 1):
        width, height = photograph.size
        share = luck.uniform(0.4, 1.0)
        w, h = round(width * share), round(height * min(1.0, share * luck.uniform(0.8, 1.25)))
        left, top = luck.randint(0, width - w), luck.randint(0, height - h)
        view = photograph.crop((left, top, left + w, top + h))
        if luck.random() < 0.5:
            view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        side = luck.choice((96, 160, 224, 224, 320))
        view = view.resize((side, side), Image.Resampling.BICUBIC)
        view = ImageEnhance.Brightness(view).enhance(luck.uniform(0.6, 1.4))
        view = ImageEnhance.Color(view).enhance(luck.choice((0.0, 0.6, 1.0, 1.4)))
        yield view.filter(ImageFilter.GaussianBlur(luck.choice((0, 0, 1))))


def photograph_features(features: Features, photographs: list[Photograph]) -> Tensor:
    luck = random.Random(0)
    half = [p.picture for p in photographs if p.half == "A"]
    return features.of("gate-photographs", lambda: (view for p in half for view in views(p, VIEWS, luck)))


def drawing_features(features: Features, pictures: Pictures, count: int) -> Tensor:
    """Of about `count` drawings, as many from each style: what is shaded like a photograph is rare among them."""
    rng, styles = np.random.default_rng(0), sorted(set(pictures.style))
    of_each = count // len(styles)
    rows = [rng.choice(pictures.rows(style), of_each, replace=False) for style in styles if len(pictures.rows(style)) > of_each]
    return features.of("gate-drawings", lambda: (on_white(pictures.pixels[i]) for i in sorted(np.concatenate(rows))))


def fit_gate(photographs: Tensor, drawings: Tensor) -> nn.Linear:
    """Logistic regression on ImagePair.signs of both kinds, which are weighted alike, as one layer on the signs themselves: on
    the main axes of the drawings' features, and on the last two signs as they are."""
    mean, spread = drawings.mean(0), drawings.std(0) + 1e-3
    seen = ((drawings - mean) / spread)[:, :-2]
    axes = torch.zeros(len(mean), AXES + 2)  # [signs, what the regression sees]
    axes[:-2, :-2] = torch.linalg.svd(seen, full_matrices=False).Vh[:AXES].T
    axes[-2:, -2:] = torch.eye(2)
    axes = axes / spread[:, None]
    x = (torch.cat([photographs, drawings]) - mean) @ axes
    scale = x.std(0)
    x = x / scale
    y = torch.cat([torch.ones(len(photographs)), torch.zeros(len(drawings))])
    share = torch.where(y > 0, 0.5 / len(photographs), 0.5 / len(drawings))
    decay = torch.full((AXES + 2,), DECAY)
    decay[-2:] = DECAY_OF_SIGNS
    weight = torch.zeros(AXES + 3, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], max_iter=300)

    def closure() -> Tensor:
        optimizer.zero_grad()
        logits = x @ weight[:-1] + weight[-1]
        loss = (share * F.binary_cross_entropy_with_logits(logits, y, reduction="none")).sum() + (decay * weight[:-1].square()).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    gate = nn.Linear(len(mean), 1)
    with torch.no_grad():
        gate.weight.copy_((axes / scale @ weight[:-1])[None])
        gate.bias.copy_(weight[-1] - gate.weight @ mean - CAUTION)
    return gate
