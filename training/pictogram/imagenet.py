"""ImageNet's thousand classes as WordNet 3.0 synsets: their names, what they are kinds of, and a sentence vector for each."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .teacher import Teacher
from .wordnet import WordNet

WIDEST = 400  # classes below a synset that still says something of each ("animal" has 398, "physical entity" all)
GLOSS, KINDS, FARTHER = 0.5, 1.0, 0.75  # shares in a class vector; FARTHER a step up


@dataclass
class Classes:
    wordnet: WordNet
    synsets: list[str]  # of the 1000 classes, in the classifier's order
    above: list[dict[str, int]]  # what each class is a kind of: {synset: steps}
    below: dict[str, list[int]]  # the classes that are a synset or kinds of it


def ancestors(wordnet: WordNet, synset: str) -> dict[str, int]:
    """What a synset is a kind of, by the fewest steps."""
    found, level, steps = {}, [synset], 0
    while level:
        steps += 1
        level = [above for key in level for above in wordnet.synsets[key].above if above not in found]
        found |= {key: found.get(key, steps) for key in level}
    return found


def load_classes(wordnet_folder: Path) -> Classes:
    """`wordnet_folder` holds WordNet 3.0, whose file offsets are ImageNet's class numbers (3.1 has others)."""
    timm = Path(find_spec("timm").submodule_search_locations[0])
    order = (timm / "data/_info/imagenet_synsets.txt").read_text().split()
    wordnet = WordNet(wordnet_folder)
    synsets = [name.removeprefix("n") for name in order]
    above = [ancestors(wordnet, key) for key in synsets]
    below: dict[str, list[int]] = {}
    for number, key in enumerate(synsets):
        for synset in (key, *above[number]):
            below.setdefault(synset, []).append(number)
    return Classes(wordnet, synsets, above, below)


def class_vectors(classes: Classes, teacher: Teacher) -> Tensor:
    """[1000, 384] unit vectors: all names of a class, its gloss, and the names of what it is a kind of, so that "dog" and
    "vehicle" find theirs."""
    words = {key: classes.wordnet.synsets[key].words for key in classes.below}
    teacher.encode([w for names in words.values() for w in names] + [classes.wordnet.synsets[k].gloss for k in classes.synsets])
    mean = lambda names: F.normalize(teacher.encode(names).mean(0), dim=-1)  # noqa: E731
    rows = []
    for key, above in zip(classes.synsets, classes.above):
        vector = mean(words[key])
        vector = F.normalize(vector + GLOSS * teacher.encode([classes.wordnet.synsets[key].gloss])[0], dim=-1)
        kinds = {k: steps for k, steps in above.items() if len(classes.below[k]) <= WIDEST}
        if kinds:
            kinds_vector = sum(teacher.encode(words[k][:2]).mean(0) * FARTHER**steps for k, steps in kinds.items())
            vector = F.normalize(vector + KINDS * F.normalize(kinds_vector, dim=-1), dim=-1)
        rows.append(vector)
    return torch.stack(rows)
