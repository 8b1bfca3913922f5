"""Stage 1: the image tower learns which concept a drawing shows, whatever its style.

Every concept has a prototype, a learned unit vector. In a batch, pictures are classified into prototypes, and prototypes into
the batch's pictures, so that the distances also rank pictures for a given concept.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .augment import augment
from .captions import hash_fraction
from .pictures import Pictures, concept_masks, load_concepts, load_pictures, plain_views, sampling_weights
from .towers import ImageConfig, ImageTower
from .training import Training, add_options, short_floats
from .warm import prototypes_from_text, warm_image

WHOLE_PICTURES_FROM = 0.85  # of the time


def held_out_concepts(concepts: list[dict], count: int) -> set[int]:
    """`count` concepts chosen by the hash of their code (flags excluded), the same on every machine."""
    order = sorted((i for i, c in enumerate(concepts) if not c["flag"]), key=lambda i: hash_fraction(concepts[i]["code"]))
    return set(order[:count])


def two_way_loss(embeddings: Tensor, prototypes: Tensor, concept: Tensor, scale: Tensor, smoothing: float) -> Tensor:
    """Pictures [B, D] into all prototypes [C, D], and the batch's concepts into its pictures (several can be right)."""
    logits = scale * (embeddings @ prototypes.T)  # [B, C]
    forward = F.cross_entropy(logits, concept, label_smoothing=smoothing)
    present = concept.unique()
    columns = logits[:, present].T  # [K, B]
    right = (present[:, None] == concept[None, :]).float()
    backward = -(columns.log_softmax(1) * right / right.sum(1, keepdim=True)).sum(1).mean()
    return forward + 0.5 * backward


@torch.no_grad()
def embed_pictures(tower: ImageTower, pixels: Tensor) -> Tensor:
    """[N, 3, S, S] -> unit embeddings [N, 512]."""
    with short_floats():
        return F.normalize(torch.cat([tower(part).float() for part in pixels.split(256)]), dim=-1)


@torch.no_grad()
def evaluate(tower: ImageTower, prototypes: Tensor, views: Tensor, concept: Tensor) -> dict[str, float]:
    """Nearest prototype, and prototype -> picture, in percent."""
    embeddings = embed_pictures(tower, views)
    scores = embeddings @ F.normalize(prototypes, dim=-1).T  # [N, C]
    top = scores.topk(5, 1).indices == concept[:, None]
    back = scores.T[concept].topk(10, 1).indices == torch.arange(len(concept))[:, None]
    figures = {"top1": top[:, 0], "top5": top.any(1), "r1": back[:, 0], "r10": back.any(1)}
    return {name: round(100 * hit.float().mean().item(), 1) for name, hit in figures.items()}


def held_out_views(pictures: Pictures, style: str, size: int, step: int = 1) -> tuple[Tensor, Tensor]:
    rows = pictures.rows(style)[::step]
    return plain_views(pictures, rows, size), pictures.concept[rows]


class ImageModule(nn.Module):
    """What stage 1 learns: the tower, a prototype [512] of each concept, and the scale of their cosines."""

    def __init__(self, config: ImageConfig, concepts: int):
        super().__init__()
        self.tower = ImageTower(config)
        self.prototypes = nn.Parameter(torch.randn(concepts, 512) * 512**-0.5)
        self.log_scale = nn.Parameter(torch.tensor(3.0))


def load_trained(checkpoint: Path) -> ImageModule:
    """The image module of a checkpoint, ready to be used."""
    saved = torch.load(checkpoint)
    module = ImageModule(ImageConfig(**saved["config"]), len(saved["module"]["prototypes"]))
    module.load_state_dict(saved["module"])
    return module.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser, minutes=180, batch=256, rate=8e-4, eval_every=4)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--keep", type=float, default=0.5, help="share of the patches looked at, except in the last part")
    parser.add_argument("--layers", type=int, default=ImageConfig.layers)
    parser.add_argument("--size", type=int, default=ImageConfig.image_size, help="pixels a side, of the picture")
    parser.add_argument("--patch", type=int, default=ImageConfig.patch_size, help="pixels a side, of a patch; it divides the size")
    parser.add_argument("--warm-drop", type=int, help="the layer of --warm to leave out")
    args = parser.parse_args()

    concepts = load_concepts(args.data)
    keeps_colour, mirror = concept_masks(concepts)
    pictures = load_pictures(args.data, "pictures")
    weights = sampling_weights(pictures, concepts, held_out_concepts(concepts, args.hold_out_concepts))
    cumulative = np.cumsum(weights)
    module = ImageModule(ImageConfig(layers=args.layers, image_size=args.size, patch_size=args.patch), len(concepts))
    if args.warm:
        warm_image(module.tower, args.warm, args.warm_drop)
        module.prototypes.data = prototypes_from_text(args.warm, args.data / "captions.jsonl", len(concepts))
    training = Training(module, "image", "pictures", args.decay, args)
    held = load_pictures(args.data, "heldout")
    tests = {
        "openmoji": held_out_views(held, "openmoji", args.size),
        "black": held_out_views(held, "openmoji-black", args.size, 4),
    }
    while training.goes_on():
        rows = np.minimum(np.searchsorted(cumulative, training.rng.random(args.batch)), len(weights) - 1)
        concept = pictures.concept[rows]
        pixels = augment(torch.from_numpy(pictures.pixels[rows]), args.size, keeps_colour[concept], mirror[concept])
        with short_floats():
            embeddings = module.tower(pixels, args.keep if training.progress < WHOLE_PICTURES_FROM else 1.0)
        embeddings = F.normalize(embeddings.float(), dim=-1)
        scale = module.log_scale.exp().clamp(max=60)
        training.learn(two_way_loss(embeddings, F.normalize(module.prototypes, dim=-1), concept, scale, 0.1))
        if training.is_evaluation_due():
            averaged = training.averaged
            training.log({name: evaluate(averaged.tower, averaged.prototypes, *test) for name, test in tests.items()})


if __name__ == "__main__":
    main()
