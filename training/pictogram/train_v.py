"""Stage 4, the second half: the text tower for drawings, with the pair's vocabulary and its inputs.

It goes on from stage 2's tower, at a low rate: what that tower knows is soon lost and hardly learned again. Each text learns a
vector between the one that stage 2's tower gives it, read by that tower's own tokenizer, and the one that its concepts have
(space.py): what is known stays, and what is not yet known is learned. What is new are emojis, and texts without capitals, which
mean what they mean with them.
"""

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from .pair_texts import Batch, Texts, nearness
from .pictures import load_concepts, load_pictures, plain_views, sampling_weights
from .space import load_space, unit
from .towers import ImageTower, TextConfig, TextTower
from .train_text import pad, view_loss, warm_text
from .training import Training, add_options, short_floats, tower_of
from .warm import encode_texts, load_text

PICTURES_A_STEP = 1536
VIEW_SCALE = 30.0


class DrawingTexts(nn.Module):
    def __init__(self, config: TextConfig):
        super().__init__()
        self.tower = TextTower(config)


class Earlier:
    """v of texts by the tower of stage 2; each is computed once."""

    def __init__(self, tower: TextTower, tokenizer: Tokenizer, basis: Tensor):
        self.tower, self.tokenizer, self.basis = tower, tokenizer, basis
        self.rows: dict[str, int] = {}
        self.known = torch.empty(0, basis.shape[1], dtype=torch.float16)
        self.count = 0

    @torch.no_grad()
    def vectors(self, texts: list[str]) -> Tensor:
        """Unit vectors [len(texts), V]; zeros for texts that it cannot read."""
        if new := [text for text in dict.fromkeys(texts) if text and text not in self.rows]:
            self.add(new, unit(encode_texts(self.tower, self.tokenizer, new) @ self.basis))
        found = torch.zeros(len(texts), self.basis.shape[1])
        readable = [i for i, text in enumerate(texts) if text]
        found[readable] = self.known[[self.rows[texts[i]] for i in readable]].float()
        return found

    def add(self, texts: list[str], vectors: Tensor) -> None:
        self.rows.update((text, self.count + i) for i, text in enumerate(texts))
        if self.count + len(texts) > len(self.known):
            self.known = torch.cat([self.known, torch.empty(len(self.known) + len(texts), self.basis.shape[1], dtype=torch.float16)])
        self.known[self.count : self.count + len(texts)] = vectors.half()
        self.count += len(texts)


def stage_two(args: argparse.Namespace) -> tuple[TextTower, Tokenizer]:
    """The tower of stage 2 or of an exported model, with the tokenizer that it learned with."""
    if args.warm:
        return load_text(args.warm)
    config, state = tower_of(args.text)
    tower = TextTower(TextConfig(**config)).eval()
    tower.load_state_dict(state)
    return tower, Tokenizer.from_file(str(args.data / "tokenizer.json"))


@torch.no_grad()
def start(tower: TextTower, earlier: Earlier, texts: Texts, args: argparse.Namespace) -> None:
    if args.warm:
        full = TextTower(TextConfig(vocabulary=tower.config.vocabulary))
        warm_text(full, texts.tokenizer, args.warm)
        state = full.state_dict()
    else:
        state = earlier.tower.state_dict()
    state["dense.weight"] = earlier.basis.T @ state["dense.weight"]
    tower.load_state_dict(state)
    tower.dense.weight /= tower(*pad(texts.some_ids(512))).norm(dim=1).mean()  # drawing_loss wants unit length from the first step


def pool_of_pictures(image: ImageTower, data: Path, count: int, file: Path) -> Tensor:
    """Embeddings [count, 512] of training pictures as the product sees them; computed once."""
    if not file.exists():
        pictures = load_pictures(data, "pictures")
        weights = sampling_weights(pictures, load_concepts(data), set())
        rows = sorted(np.random.default_rng(0).choice(len(weights), count, p=weights))
        with torch.no_grad():
            parts = [unit(image(plain_views(pictures, rows[at : at + 64], image.config.image_size))) for at in range(0, count, 64)]
        torch.save(torch.cat(parts), file)
    return torch.load(file)


def image_tower(args: argparse.Namespace) -> ImageTower:
    if args.warm:
        from .model import Model

        return Model(args.warm).image
    from .train_image import load_trained

    return load_trained(args.image).tower


def drawing_loss(embeddings: Tensor, v: Tensor, pictures: Tensor) -> Tensor:
    """Embeddings [B, V] towards v, with pictures of drawings [P, V] seen alike."""
    given = unit(embeddings)
    near = 1 - (given * v).sum(1)
    return 6 * near.mean() + 4 * view_loss(given, v, pictures, VIEW_SCALE) + 0.1 * (embeddings.norm(dim=1) - 1).square().mean()


def meant(batch: Batch, earlier: Earlier, share: float) -> Tensor:
    """Between what stage 2 gives a text and what its concepts mean, [B, V]; an emoji, which stage 2 cannot read, means its concepts."""
    known = earlier.vectors(batch.plain)
    return unit(torch.where(known.any(1, keepdim=True), share * known + (1 - share) * batch.v, batch.v))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser, minutes=90, batch=384, rate=2.5e-4, eval_every=10)
    parser.add_argument("--space", type=Path, required=True, help="space.pt")
    parser.add_argument("--image", type=Path, help="image.pt of stage 1, with --text; or --warm")
    parser.add_argument("--text", type=Path, help="text.pt of stage 2, of the same vocabulary")
    parser.add_argument("--pictures", type=int, default=5000, help="training pictures that texts are to see as their concepts do")
    parser.add_argument("--words", type=float, default=0.15, help="share of English words in a batch")
    parser.add_argument("--name-share", type=float, default=0.85)
    parser.add_argument("--earlier", type=float, default=0.9, help="how much what stage 2's tower gives counts")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    args.run.mkdir(parents=True, exist_ok=True)

    space = load_space(args.space)
    texts = Texts(args.data, space, args.name_share)
    pictures = unit(pool_of_pictures(image_tower(args), args.data, args.pictures, args.run / "pool.pt") @ space.v_basis)
    earlier = Earlier(*stage_two(args), space.v_basis)
    config = TextConfig(vocabulary=texts.tokenizer.get_vocab_size(), projection=space.v_basis.shape[1])
    module = DrawingTexts(config)
    if not (args.run / "v.pt").exists() and not args.start:
        start(module.tower, earlier, texts, args)
    training = Training(module, "v", "texts", 0.01, args)
    random.seed(args.seed + training.step)
    words = round(args.words * args.batch)
    while training.goes_on():
        for batch in texts.batches(training.rng, args.batch - words, words, config.positions):
            v = meant(batch, earlier, args.earlier)
            with short_floats():
                embeddings = module.tower(*pad(batch.ids), word_dropout=0.05)
            looked_at = pictures[torch.randint(len(pictures), (PICTURES_A_STEP,))]
            training.learn(drawing_loss(embeddings.float(), v, looked_at))
        if training.is_evaluation_due():
            training.log({"cosine": nearness(training.averaged.tower, texts, space.concept_v)})


if __name__ == "__main__":
    main()
