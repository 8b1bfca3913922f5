"""The space that drawings and photographs share, and what texts are to mean in it.

An embedding has two parts. u (320) is a sentence vector on the main axes of ImageNet's class vectors: photographs reach it as a mixture
of the classes that EfficientNet-Lite0 sees in them. v (192) is the space of drawings on its main axes. This stage writes both bases,
and for each concept and each English word the u and the v that the text tower learns.
"""

import argparse
import json
import re
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .captions import hash_fraction
from .imagenet import Classes, class_vectors, load_classes
from .pictures import load_concepts
from .teacher import Teacher

U, V = 320, 192
PHYSICAL = "00001930"  # the synset "physical entity", under which a picture's contents lie
OTHER_NOUNS = 8000
SHARPNESS = 30.0  # of the look-up that says which concepts a word is like


@dataclass
class Space:
    u_basis: Tensor  # [384, U] of the teacher's vectors
    v_basis: Tensor  # [512, V] of the vectors of drawings
    classes: Tensor  # [1000, U] what each ImageNet class adds to u; their mean is left out
    concept_u: Tensor  # [C, U] unit vectors
    concept_v: Tensor  # [C, V] unit vectors
    words: list[str]  # English, with the two unit vectors of each
    word_u: Tensor
    word_v: Tensor
    groups: list[int]  # how many of `words` are names of classes and their kinds, other nouns, CLDR's English


def unit(x: Tensor) -> Tensor:
    return F.normalize(x, dim=-1)


def spoken(name: str) -> str:
    """A concept's English name as one would say it."""
    return re.sub(r" face$", "", re.sub(r"^flag: ", "flag of ", name))


def is_physical(classes: Classes, synset: str, known: dict[str, bool]) -> bool:
    if synset not in known:
        known[synset] = False
        known[synset] = synset == PHYSICAL or any(is_physical(classes, above, known) for above in classes.wordnet.synsets[synset].above)
    return known[synset]


def other_nouns(classes: Classes) -> list[str]:
    """Some thousand English words for physical things, each in its commonest meaning, chosen by hash."""
    known: dict[str, bool] = {}
    found = {
        word
        for key, synset in classes.wordnet.synsets.items()
        if key not in classes.below and is_physical(classes, key, known)
        for word in synset.words
        if len(word) <= 20 and word.count(" ") <= 1 and classes.wordnet.is_meant(word, key)
    }
    return sorted(found, key=lambda word: hash_fraction(f"noun {word}"))[:OTHER_NOUNS]


def make_space(data: Path, wordnet: Path, prototypes: Tensor) -> Space:
    """`prototypes` [C, 512]: the unit vector of each concept in the space of drawings."""
    teacher, classes, concepts = Teacher(data / "teacher.pt"), load_classes(wordnet), load_concepts(data)
    vectors = class_vectors(classes, teacher)
    centred = vectors - vectors.mean(0)
    u_basis = torch.linalg.svd(centred, full_matrices=False).Vh[:U].T
    v_basis = torch.linalg.svd(prototypes, full_matrices=False).Vh[:V].T
    concept_v = unit(prototypes @ v_basis)

    rows = (json.loads(line) for line in (data / "captions.jsonl").open())
    english = [r["text"] for r in rows if r["locale"] == "en" and r["kind"] != "wordnet"]
    named = sorted({w for key in classes.below for w in classes.wordnet.synsets[key].words})
    groups = [named, other_nouns(classes), sorted(set(english))]
    words = [w for group in groups for w in group]
    names = teacher.encode([spoken(c["name"]) for c in concepts])
    meant = teacher.encode(words)
    alike = (SHARPNESS * meant @ names.T).softmax(1)  # [words, C]
    return Space(
        u_basis, v_basis, centred @ u_basis, unit(names @ u_basis), concept_v,
        words, unit(meant @ u_basis), unit(alike @ concept_v), [len(g) for g in groups],
    )  # fmt: skip


def load_space(file: Path) -> Space:
    return Space(**torch.load(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wordnet", type=Path, required=True, help="folder of WordNet 3.0's database")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--image", type=Path, help="image.pt of stage 1, whose prototypes are the concepts' vectors")
    source.add_argument("--warm", type=Path, help="an exported model of drawings, whose texts are")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.image:
        from .train_image import load_trained

        prototypes = unit(load_trained(args.image).prototypes.data)
    else:
        from .warm import prototypes_from_text

        prototypes = prototypes_from_text(args.warm, args.data / "captions.jsonl", len(load_concepts(args.data)))
    space = make_space(args.data, args.wordnet, prototypes)
    torch.save(vars(space), args.out)
    print(f"{len(space.words)} English words: {space.groups}")


if __name__ == "__main__":
    main()
