"""Stage 4: one text tower for drawings and photographs.

Each text learns two vectors at once (space.py): v, by which it finds drawings as the prototype of its concept does, and u, the
teacher's sentence vector of what it means in English, by which it finds photographs. Names and keywords in 106 locales have both
from their concepts; English words from WordNet have u from the teacher, and v from the concepts that the teacher finds like them.
An emoji as a text means its concept.
"""

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

from .captions import emoji_text
from .pictures import load_concepts, load_pictures, plain_views, sampling_weights
from .space import Space, load_space, unit
from .towers import ImageTower, TextConfig, TextTower
from .train_text import FRAMES, Captions, Resegmenter, pad, start_head, vary, view_loss, warm_text
from .training import Training, add_options

HEAD = 768
EMOJI_SHARE = 0.04  # of the captions of a step
WORD_SHARES = (0.55, 0.25, 0.2)  # of ImageNet's names, other nouns, CLDR's English among the English words of a step
PICTURES_A_STEP = 1536
VIEW_SCALE = 30.0
CLASS_SCALE = 20.0  # how sharply a text tells ImageNet's classes apart
BUCKETS = 8
RIDGE = 3.0
RIDGE_TEXTS = 12000
TESTED = 4  # of so many concepts one is asked for, to draw the curve of a run


class Texts:
    """Training texts and what they are to mean."""

    def __init__(self, data: Path, space: Space, name_share: float):
        self.space, self.concepts = space, load_concepts(data)
        self.captions = Captions(data / "captions.jsonl", set(), set(), name_share)
        self.emoji = [emoji_text(c["code"]) for c in self.concepts]
        self.bounds = np.cumsum([0, *space.groups])

    def sample_captions(self, rng: np.random.Generator, count: int) -> tuple[list[str], Tensor]:
        """Texts and their concepts [count, C], each row with the sum 1."""
        emoji = rng.integers(0, len(self.emoji), max(1, round(EMOJI_SHARE * count)))
        rows = self.captions.sample(rng, count - len(emoji))
        texts = [vary(self.captions.text[i], self.captions.frames[i]) for i in rows] + [self.emoji[i] for i in emoji]
        shown = F.one_hot(torch.from_numpy(emoji), len(self.concepts)).float()
        return texts, torch.cat([self.captions.targets(rows, len(self.concepts)), shown])

    def sample_words(self, rng: np.random.Generator, count: int) -> tuple[list[str], np.ndarray]:
        """English words and their rows in the space."""
        group = rng.choice(len(WORD_SHARES), count, p=WORD_SHARES)
        rows = (self.bounds[group] + rng.random(count) * (self.bounds[group + 1] - self.bounds[group])).astype(int)
        return [vary(self.space.words[i], FRAMES["en"]) for i in rows], rows

    def batch(self, rng: np.random.Generator, captions: int, words: int) -> tuple[list[str], Tensor, Tensor]:
        """Texts, captions first, with their u [B, U] and v [B, V]."""
        space = self.space
        texts, concepts = self.sample_captions(rng, captions)
        english, rows = self.sample_words(rng, words)
        u = unit(torch.cat([concepts @ space.concept_u, space.word_u[rows]]))
        v = unit(torch.cat([concepts @ space.concept_v, space.word_v[rows]]))
        return texts + english, u, v


class PairModule(nn.Module):
    """What this stage learns."""

    def __init__(self, config: TextConfig):
        super().__init__()
        self.tower = TextTower(config)


@torch.no_grad()
def start_dense(tower: TextTower, tokenizer: Tokenizer, texts: Texts) -> None:
    """Starts the last layer by ridge regression on what the layers before it give already."""
    rng = np.random.default_rng(0)
    features, targets = [], []
    for _ in range(RIDGE_TEXTS // 400):
        batch, u, v = texts.batch(rng, 240, 160)
        features.append(tower.features(*pad([e.ids for e in tokenizer.encode_batch(batch)])))
        targets.append(torch.cat([u, v], 1))
    x, y = torch.cat(features), torch.cat(targets)
    gram = x.T @ x + RIDGE * x.square().sum(0).mean() / len(x) * torch.eye(x.shape[1])
    tower.dense.weight.copy_(torch.linalg.solve(gram, x.T @ y).T)


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


def pair_loss(embeddings: Tensor, u: Tensor, v: Tensor, captions: int, classes: Tensor, pictures: Tensor) -> Tensor:
    """Embeddings [B, U + V] towards u and v. The first `captions` rows must also see pictures of drawings [P, V] as v does, and all
    must tell ImageNet's classes [1000, U] apart as u does."""
    given_u, given_v = embeddings.split([u.shape[1], v.shape[1]], 1)
    lengths = torch.stack([given_u.norm(dim=1), given_v.norm(dim=1)])
    given_u, given_v = unit(given_u), unit(given_v)
    near_v = 1 - (given_v * v).sum(1)
    loss = 2 * (1 - (given_u * u).sum(1)).mean()
    loss = loss + 0.5 * view_loss(given_u, u, classes, CLASS_SCALE) + 0.5 * view_loss(given_u, u, u, CLASS_SCALE)
    loss = loss + 6 * near_v[:captions].mean() + near_v[captions:].mean()
    loss = loss + 4 * view_loss(given_v[:captions], v[:captions], pictures, VIEW_SCALE)
    return loss + 0.1 * (lengths - 1).square().mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser, minutes=120, batch=384, rate=1.5e-3, eval_every=10)
    parser.add_argument("--space", type=Path, required=True, help="space.pt")
    parser.add_argument("--image", type=Path, help="image.pt of stage 1; with --warm its image tower is taken instead")
    parser.add_argument("--text", type=Path, help="text.pt of stage 2 to start from, of the same vocabulary")
    parser.add_argument("--pictures", type=int, default=5000, help="training pictures that texts are to see as their concepts do")
    parser.add_argument("--words", type=float, default=0.4, help="share of English words in a batch")
    parser.add_argument("--name-share", type=float, default=0.78)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    args.run.mkdir(parents=True, exist_ok=True)

    space = load_space(args.space)
    texts = Texts(args.data, space, args.name_share)
    tokenizer = Tokenizer.from_file(str(args.data / "tokenizer.json"))
    config = TextConfig(vocabulary=tokenizer.get_vocab_size(), head=HEAD, projection=space.classes.shape[1] + space.concept_v.shape[1])
    tokenizer.enable_truncation(config.positions)
    pool = pool_of_pictures(image_tower(args), args.data, args.pictures, args.run / "pool.pt")
    pool = unit(pool @ space.v_basis)
    classes = unit(space.classes)
    resegment = Resegmenter(tokenizer.get_vocab())

    module = PairModule(config)
    if not (args.run / "pair.pt").exists() and not args.start:
        start(module.tower, tokenizer, texts, args)
    training = Training(module, "pair", "texts", 0.01, args)
    random.seed(args.seed + training.step)
    words = round(args.words * args.batch)
    while training.goes_on():
        for ids, u, v in batches(texts, tokenizer, training.rng, (args.batch - words, words)):
            ids = [resegment(row)[: config.positions] for row in ids]
            with torch.autocast("cpu", torch.bfloat16):
                embeddings = module.tower(*pad(ids), word_dropout=0.05)
            looked_at = pool[torch.randint(len(pool), (PICTURES_A_STEP,))]
            training.learn(pair_loss(embeddings.float(), u, v, args.batch - words, classes, looked_at))
        if training.is_evaluation_due():
            training.log(curve(training.averaged.tower, tokenizer, texts))


def batches(
    texts: Texts, tokenizer: Tokenizer, rng: np.random.Generator, counts: tuple[int, int]
) -> Iterator[tuple[list[list[int]], Tensor, Tensor]]:
    """BUCKETS batches of so many captions and words, each of texts of like length, which is several times faster."""
    captions, words = (count * BUCKETS for count in counts)
    drawn, u, v = texts.batch(rng, captions, words)
    ids = [e.ids for e in tokenizer.encode_batch(drawn)]
    lengths = np.array([len(row) for row in ids])
    first = lengths[:captions].argsort(kind="stable").reshape(BUCKETS, -1)
    second = captions + lengths[captions:].argsort(kind="stable").reshape(BUCKETS, -1)
    for rows in rng.permutation(np.concatenate([first, second], 1)):
        yield [ids[i] for i in rows], u[rows], v[rows]


def image_tower(args: argparse.Namespace) -> ImageTower:
    if args.warm:
        from .model import Model

        return Model(args.warm).image
    from .train_image import load_trained

    return load_trained(args.image).tower


def start(tower: TextTower, tokenizer: Tokenizer, texts: Texts, args: argparse.Namespace) -> None:
    """From an earlier text tower, so that what it knows of languages is kept; its last layer by regression."""
    if args.warm:
        warm_text(tower, tokenizer, args.warm)
    else:
        from .training import tower_of

        state = tower_of(args.text)[1]
        dense = state.pop("dense.weight")
        tower.load_state_dict(state, strict=False)
        with torch.no_grad():
            start_head(tower, dense)
    start_dense(tower, tokenizer, texts)


@torch.no_grad()
def curve(tower: TextTower, tokenizer: Tokenizer, texts: Texts) -> dict:
    """How near the names of some concepts come to their u and v, in a few languages; no test picture is looked at."""
    space, near = texts.space, {}
    wanted = {"en", "de", "ru", "zh", "hi", "sw"}
    rows = [json.loads(line) for line in (texts.captions.path).open() if '"name"' in line]
    for locale in sorted(wanted):
        chosen = [r for r in rows if r["locale"] == locale and r["kind"] == "name" and r["concepts"][0] % TESTED == 0]
        given = torch.cat([
            tower(*pad([e.ids for e in tokenizer.encode_batch([r["text"] for r in chosen[at : at + 256]])]))
            for at in range(0, len(chosen), 256)
        ])  # fmt: skip
        concepts = [r["concepts"][0] for r in chosen]
        u, v = given.split([space.concept_u.shape[1], space.concept_v.shape[1]], 1)
        cosine = lambda x, y: round((unit(x) * y).sum(1).mean().item(), 3)  # noqa: E731
        near[locale] = [cosine(u, space.concept_u[concepts]), cosine(v, space.concept_v[concepts])]
    return {"u_v": near}


if __name__ == "__main__":
    main()
