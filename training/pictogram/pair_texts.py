"""Texts of stage 4 and what they are to mean: names and keywords in 106 locales have it from their concepts, English words from
the teacher, and an emoji as a text means its concept. Both halves of the text side learn from these (train_u.py, train_v.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

from .captions import emoji_text
from .pictures import load_concepts
from .space import Space, unit
from .towers import TextTower
from .train_text import FRAMES, Captions, Resegmenter, pad, vary

EMOJI_SHARE = 0.1  # of the captions of a step
WORD_SHARES = (0.55, 0.25, 0.2)  # of ImageNet's names, other nouns, CLDR's English among the English words of a step
BUCKETS = 8
TESTED = 4  # of so many concepts one is asked for, to draw the curve of a run
CURVE = ("de", "en", "hi", "ru", "sw", "zh")


@dataclass
class Batch:
    """B texts, captions first, cut into pieces, and what each means."""

    ids: list[list[int]]
    plain: list[str]  # as the data has them: no frame, no slip of the finger; "" for an emoji
    u: Tensor  # [B, U]
    v: Tensor  # [B, V]


class Texts:
    def __init__(self, data: Path, space: Space, name_share: float):
        self.space, self.concepts = space, load_concepts(data)
        self.captions = Captions(data / "captions.jsonl", set(), set(), name_share)
        self.emoji = [emoji_text(c["code"]) for c in self.concepts]
        self.bounds = np.cumsum([0, *space.groups])
        self.tokenizer = Tokenizer.from_file(str(data / "tokenizer.json"))
        self.resegment = Resegmenter(self.tokenizer.get_vocab())

    def some_ids(self, count: int) -> list[list[int]]:
        """Pieces of the first captions."""
        return [e.ids for e in self.tokenizer.encode_batch(self.captions.text[:count])]

    def sample_captions(self, rng: np.random.Generator, count: int) -> tuple[list[str], list[str], Tensor]:
        """Texts as somebody types them, the same plain, and their concepts [count, C], each row with the sum 1."""
        emoji = rng.integers(0, len(self.emoji), max(1, round(EMOJI_SHARE * count)))
        rows = self.captions.sample(rng, count - len(emoji))
        plain = [self.captions.text[i] for i in rows]
        texts = [vary(text, self.captions.frames[i]) for text, i in zip(plain, rows)] + [self.emoji[i] for i in emoji]
        shown = F.one_hot(torch.from_numpy(emoji), len(self.concepts)).float()
        return texts, plain + [""] * len(emoji), torch.cat([self.captions.targets(rows, len(self.concepts)), shown])

    def sample_words(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """English words, as rows in the space."""
        group = rng.choice(len(WORD_SHARES), count, p=WORD_SHARES)
        return (self.bounds[group] + rng.random(count) * (self.bounds[group + 1] - self.bounds[group])).astype(int)

    def draw(self, rng: np.random.Generator, captions: int, words: int) -> Batch:
        space = self.space
        texts, plain, concepts = self.sample_captions(rng, captions)
        rows = self.sample_words(rng, words)
        english = [space.words[i] for i in rows]
        u = unit(torch.cat([concepts @ space.concept_u, space.word_u[rows]]))
        v = unit(torch.cat([concepts @ space.concept_v, space.word_v[rows]]))
        typed = texts + [vary(word, FRAMES["en"]) for word in english]
        return Batch([e.ids for e in self.tokenizer.encode_batch(typed)], plain + english, u, v)

    def batches(self, rng: np.random.Generator, captions: int, words: int, positions: int) -> Iterator[Batch]:
        """BUCKETS batches, each of texts of like length, which is several times faster; some are cut into smaller pieces."""
        drawn = self.draw(rng, captions * BUCKETS, words * BUCKETS)
        lengths = np.array([len(row) for row in drawn.ids])
        first = lengths[: captions * BUCKETS].argsort(kind="stable").reshape(BUCKETS, -1)
        second = captions * BUCKETS + lengths[captions * BUCKETS :].argsort(kind="stable").reshape(BUCKETS, -1)
        for rows in rng.permutation(np.concatenate([first, second], 1)):
            ids = [self.resegment(drawn.ids[i])[:positions] for i in rows]
            yield Batch(ids, [drawn.plain[i] for i in rows], drawn.u[rows], drawn.v[rows])


@torch.no_grad()
def nearness(tower: TextTower, texts: Texts, meant: Tensor) -> dict[str, float]:
    """The curve of a run: the mean cosine of some concepts' names with what the concepts mean, [C, D]. No test picture is seen."""
    names = {locale: ([], []) for locale in CURVE}
    for text, locale, concept in texts.captions.names(CURVE):
        if concept % TESTED == 0:
            names[locale][0].append(text)
            names[locale][1].append(concept)
    near = {}
    for locale, (asked, concepts) in names.items():
        ids = [e.ids for e in texts.tokenizer.encode_batch(asked)]
        given = torch.cat([tower(*pad(ids[at : at + 256])) for at in range(0, len(ids), 256)])
        near[locale] = round((unit(given) * meant[concepts]).sum(1).mean().item(), 3)
    return near
