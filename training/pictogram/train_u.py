"""Stage 4, the first half: the text tower for photographs.

Each text learns u (space.py): the teacher's sentence vector of what it means in English, and must tell ImageNet's classes, as
mixtures of which photographs are seen, and the other texts of its batch apart as its u does.
"""

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from .pair_texts import Texts, nearness
from .space import load_space, unit
from .towers import TextConfig, TextTower
from .train_text import pad, start_head, view_loss, warm_text
from .training import Training, add_options, short_floats, tower_of

HEAD = 768
CLASS_SCALE = 20.0  # how sharply a text tells ImageNet's classes apart
RIDGE = 3.0
RIDGE_TEXTS = 12000


class PhotographTexts(nn.Module):
    def __init__(self, config: TextConfig):
        super().__init__()
        self.tower = TextTower(config)


@torch.no_grad()
def start(tower: TextTower, texts: Texts, args: argparse.Namespace) -> None:
    """From an earlier text tower, so that what it knows of languages is kept."""
    if args.warm:
        warm_text(tower, texts.tokenizer, args.warm)
    else:
        state = tower_of(args.text)[1]
        dense = state.pop("dense.weight")
        tower.load_state_dict(state, strict=False)
        start_head(tower, dense)
    start_dense(tower, texts)


def start_dense(tower: TextTower, texts: Texts) -> None:
    """Starts the last layer by ridge regression on what the layers before it give already."""
    rng = np.random.default_rng(0)
    features, targets = [], []
    for _ in range(RIDGE_TEXTS // 400):
        drawn = texts.draw(rng, 240, 160)
        features.append(tower.features(*pad(drawn.ids)))
        targets.append(drawn.u)
    x, y = torch.cat(features), torch.cat(targets)
    gram = x.T @ x + RIDGE * x.square().sum(0).mean() / len(x) * torch.eye(x.shape[1])
    tower.dense.weight.copy_(torch.linalg.solve(gram, x.T @ y).T)


def photograph_loss(embeddings: Tensor, u: Tensor, classes: Tensor) -> Tensor:
    """Embeddings [B, U] towards u, with the classes [1000, U] seen alike."""
    given = unit(embeddings)
    near = 1 - (given * u).sum(1)
    seen = view_loss(given, u, classes, CLASS_SCALE) + view_loss(given, u, u, CLASS_SCALE)
    return 2 * near.mean() + 0.5 * seen + 0.1 * (embeddings.norm(dim=1) - 1).square().mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser, minutes=60, batch=384, rate=1.5e-3, eval_every=10)
    parser.add_argument("--space", type=Path, required=True, help="space.pt")
    parser.add_argument("--text", type=Path, help="text.pt of stage 2 to start from, of the same vocabulary; or --warm")
    parser.add_argument("--words", type=float, default=0.4, help="share of English words in a batch")
    parser.add_argument("--name-share", type=float, default=0.78)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    space = load_space(args.space)
    texts, classes = Texts(args.data, space, args.name_share), unit(space.classes)
    config = TextConfig(vocabulary=texts.tokenizer.get_vocab_size(), head=HEAD, projection=space.classes.shape[1])
    module = PhotographTexts(config)
    if not (args.run / "u.pt").exists() and not args.start:
        start(module.tower, texts, args)
    training = Training(module, "u", "texts", 0.01, args)
    random.seed(args.seed + training.step)
    words = round(args.words * args.batch)
    while training.goes_on():
        for batch in texts.batches(training.rng, args.batch - words, words, config.positions):
            with short_floats():
                embeddings = module.tower(*pad(batch.ids), word_dropout=0.05)
            training.learn(photograph_loss(embeddings.float(), batch.u, classes))
        if training.is_evaluation_due():
            training.log({"cosine": nearness(training.averaged.tower, texts, space.concept_u)})


if __name__ == "__main__":
    main()
