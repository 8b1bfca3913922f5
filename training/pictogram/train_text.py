"""Stage 2: the text tower learns to stand for a concept as the concept's prototype does, with stage 1 frozen.

A prototype is the vector that finds its concept's pictures best, in styles that were never seen too: better than the mean of the
concept's training pictures does. So texts are classified into prototypes, prototypes into the batch's texts, texts are drawn to
their prototype by cosine, and, what matters most, each text must see pictures as its prototype does: its similarities to some
thousand training pictures of all concepts are compared, as distributions. Each step takes a few hundred names and keywords in all
locales. A text that names several concepts has them all as its target.
"""

import argparse
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

from .augment import augment
from .captions import hash_fraction
from .pictures import concept_masks, load_concepts, load_pictures, plain_views, sampling_weights
from .towers import ImageTower, TextConfig, TextLayer, TextTower
from .train_image import embed_pictures, held_out_concepts, load_trained
from .training import Training, add_options, short_floats
from .vocabulary import same_piece
from .warm import encode_texts, load_text

LOCALE_WEIGHT = {"en": 4.0} | {k: 3.0 for k in ("de", "fr", "es", "zh", "ja", "hi", "ar", "ru", "pt")}
LOCALE_WEIGHT |= {k: 2.0 for k in ("it", "nl", "pl", "tr", "ko", "vi", "id", "sw", "fa", "he", "uk", "el", "th", "bn", "ta")}
FRAMES = {
    "en": ("a {}", "the {}", "an image of {}", "a drawing of a {}", "picture of a {}", "a photo of a {}", "{} icon", "{} emoji"),
    "de": ("ein {}", "eine {}", "das {}", "ein Bild von {}", "eine Zeichnung: {}", "{} Symbol", "Foto von {}"),
    "fr": ("un {}", "une {}", "le {}", "une image de {}", "un dessin de {}", "icône {}", "photo de {}"),
    "es": ("un {}", "una {}", "el {}", "una imagen de {}", "un dibujo de {}", "icono de {}", "foto de {}"),
    "pt": ("um {}", "uma {}", "o {}", "uma imagem de {}", "um desenho de {}", "ícone de {}", "foto de {}"),
    "it": ("un {}", "una {}", "il {}", "un'immagine di {}", "un disegno di {}", "icona {}", "foto di {}"),
    "nl": ("een {}", "de {}", "een afbeelding van {}", "een tekening van {}", "pictogram {}", "foto van {}"),
    "pl": ("obrazek {}", "rysunek: {}", "ikona {}", "zdjęcie: {}"),
    "tr": ("bir {}", "{} resmi", "{} çizimi", "{} simgesi"),
    "ru": ("картинка {}", "рисунок: {}", "значок {}", "фото {}"),
    "zh": ("一张{}的图片", "{}的图标", "一个{}", "{}照片"),
    "ja": ("{}の絵", "{}のアイコン", "{}の写真"),
    "ko": ("{} 그림", "{} 아이콘", "{} 사진"),
    "hi": ("एक {}", "{} का चित्र"),
    "ar": ("صورة {}", "رسم {}"),
}
FRAMED = 0.25  # of the texts of these languages
MISTYPED = 0.05
RESEGMENTED = 0.3  # of the texts
SPLIT = 0.3  # of the pieces of these
HELD_OUT_KEYWORDS = 0.05
PICTURES_A_STEP = 1536
VIEW_SCALE = 30.0  # sharp enough that the nearest pictures count most
BUCKETS = 8  # batches of texts of like length that are drawn together


def is_held_out_keyword(row: dict) -> bool:
    """Test C: five in a hundred keywords of each locale, by hash, never trained on."""
    return row["kind"] == "keyword" and hash_fraction(f"{row['locale']} {row['text']}") < HELD_OUT_KEYWORDS


class Captions:
    """Training captions with their sampling weights and their concepts as one flat list."""

    def __init__(self, path: Path, held_out: set[int], without_locales: set[str], name_share: float):
        self.path = path
        rows = [json.loads(line) for line in path.open()]
        rows = [r for r in rows if r["locale"] not in without_locales and not is_held_out_keyword(r)]
        rows = [r for r in rows if not held_out.intersection(r["concepts"])]
        self.text = [r["text"] for r in rows]
        self.locale = [r["locale"] for r in rows]
        self.frames = [FRAMES.get(locale, ()) for locale in self.locale]
        counts = np.array([len(r["concepts"]) for r in rows])
        self.starts = np.concatenate([[0], np.cumsum(counts)])
        self.concepts = torch.tensor([c for r in rows for c in r["concepts"]])
        self.is_name = name = np.array([r["kind"] == "name" for r in rows])
        # A keyword that fits hundreds of concepts says little about each of them.
        weight = np.array([LOCALE_WEIGHT.get(r["locale"], 1.0) for r in rows]) / np.maximum(1, counts) ** 0.25
        weight[name] *= name_share / weight[name].sum()
        weight[~name] *= (1 - name_share) / weight[~name].sum()
        self.cumulative = np.cumsum(weight)

    def names(self, locales: Iterable[str]) -> Iterator[tuple[str, str, int]]:
        """Names with their locale and first concept."""
        for i in np.flatnonzero(self.is_name & np.isin(self.locale, list(locales))):
            yield self.text[i], self.locale[i], int(self.concepts[self.starts[i]])

    def sample(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return np.minimum(np.searchsorted(self.cumulative, rng.random(count) * self.cumulative[-1]), len(self.text) - 1)

    def targets(self, rows: np.ndarray, concepts: int) -> Tensor:
        """[len(rows), concepts], each row spread evenly over the concepts that its text names."""
        first, counts = self.starts[rows], self.starts[rows + 1] - self.starts[rows]
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        line = torch.from_numpy(np.repeat(np.arange(len(rows)), counts))
        right = self.concepts[torch.from_numpy(np.repeat(first, counts) + inside)]
        out = torch.zeros(len(rows), concepts)
        out[line, right] = torch.from_numpy(1 / np.repeat(counts, counts)).float()
        return out


def mistype(text: str) -> str:
    """One letter left out, doubled or swapped with the next, in words of alphabets."""
    if len(text) < 5:
        return text
    at = random.randrange(len(text) - 1)
    if not text[at : at + 2].isalpha() or text[at] > "\u0fff":
        return text
    kind = random.randrange(3)
    return text[:at] + ("", text[at] * 2, text[at + 1] + text[at])[kind] + text[at + (2 if kind == 2 else 1) :]


def vary(text: str, frames: tuple[str, ...]) -> str:
    """What people type differs in articles, frames, capitals and slips of the finger."""
    if frames and random.random() < FRAMED:
        return random.choice(frames).format(text)
    luck = random.random()
    if luck < MISTYPED:
        return mistype(text)
    if luck < 0.2:
        return text.lower()
    if luck < 0.3:
        return text[:1].upper() + text[1:]
    return text


class Resegmenter:
    """Cuts a text's pieces into smaller ones of the vocabulary now and then, so that forms of a word that are cut elsewhere ("frogs",
    "froggy") have something in common with it."""

    def __init__(self, vocabulary: dict[str, int]):
        self.cuts: dict[int, list[tuple[int, int]]] = {}
        for piece, i in vocabulary.items():
            start = 2 if piece.startswith("##") else 0
            halves = ((vocabulary.get(piece[:at]), vocabulary.get("##" + piece[at:])) for at in range(start + 1, len(piece)))
            if cuts := [(left, right) for left, right in halves if left is not None and right is not None]:
                self.cuts[i] = cuts

    def __call__(self, ids: list[int]) -> list[int]:
        if random.random() >= RESEGMENTED:
            return ids
        out = []
        for i in ids:
            cuts = self.cuts.get(i)
            out.extend(random.choice(cuts) if cuts and random.random() < SPLIT else (i,))
        return out


def pad(ids: list[list[int]]) -> tuple[Tensor, Tensor]:
    length = max(map(len, ids))
    padded = torch.tensor([row + [0] * (length - len(row)) for row in ids])
    return padded, (torch.arange(length)[None, :] < torch.tensor([len(row) for row in ids])[:, None]).long()


@torch.no_grad()
def warm_text(tower: TextTower, tokenizer: Tokenizer, folder: Path) -> None:
    """Takes over an earlier checkpoint of the same width: all layers and the word embeddings. A piece starts as the mean of the
    pieces that the earlier vocabulary had for it, such as its capitals, or for its parts. Layers that the checkpoint lacks start as
    what changes next to nothing."""
    old_tower, old = load_text(folder)
    table, config = old_tower.word_embeddings.weight, old_tower.config
    state = old_tower.state_dict()
    del state["word_embeddings.weight"], state["dense.weight"]
    tower.load_state_dict(state, strict=False)
    for layer in tower.layers[config.layers :]:
        pass_through(layer, old_tower.layers[-1])
    same: dict[str, list[int]] = {}
    for piece, i in old.get_vocab().items():
        same.setdefault(same_piece(tokenizer, piece), []).append(i)
    for piece, i in tokenizer.get_vocab().items():
        start = "x" if piece.startswith("##") else ""  # what follows the beginning of a word is cut otherwise than the beginning
        parts = same.get(piece) or old.encode(start + piece.removeprefix("##"), add_special_tokens=False).ids[len(start) :]
        if parts:
            tower.word_embeddings.weight[i] = table[parts].mean(0)
    start_head(tower, old_tower.dense.weight)


def start_head(tower: TextTower, dense: Tensor) -> None:
    """Makes the tower's last layers compute what the dense layer [D, width] did: gelu(x) - gelu(-x) is x.

    A tower of fewer numbers than D takes the first of them, since it fits its own dense layer afterwards.
    """
    dense = dense[: tower.config.projection]
    if tower.expand is None:
        tower.dense.weight.copy_(dense)
        return
    width = tower.config.width
    tower.expand.weight[: 2 * width] = torch.cat([torch.eye(width), -torch.eye(width)])
    tower.expand.bias[: 2 * width] = 0
    tower.dense.weight.zero_()
    tower.dense.weight[:, : 2 * width] = torch.cat([dense, -dense], 1)


def pass_through(layer: TextLayer, before: TextLayer) -> None:
    """Makes a fresh layer hand on what comes from the layer before it, but for the mean and the scale of each token."""
    for added in (layer.attention.out_lin, layer.ffn.lin2):
        nn.init.zeros_(added.weight)
        nn.init.zeros_(added.bias)
    norm = before.output_layer_norm
    nn.init.constant_(layer.output_layer_norm.weight, (norm.weight.square().mean() + norm.bias.var()).sqrt().item())


def picture_pool(tower: ImageTower, data: Path, concepts: list[dict], held_out: set[int], count: int) -> Tensor:
    """Embeddings of augmented training pictures, [count, 512]."""
    pictures = load_pictures(data, "pictures")
    keeps_colour, mirror = concept_masks(concepts)
    weights = sampling_weights(pictures, concepts, held_out)
    rows = np.random.default_rng(0).choice(len(weights), count, p=weights)
    parts = []
    for at in range(0, count, 256):
        part = rows[at : at + 256]
        concept = pictures.concept[part]
        rgba = torch.from_numpy(pictures.pixels[part])
        parts.append(embed_pictures(tower, augment(rgba, tower.config.image_size, keeps_colour[concept], mirror[concept])))
    return torch.cat(parts)


def view_loss(texts: Tensor, targets: Tensor, pictures: Tensor, scale: float) -> Tensor:
    """How differently texts [B, D] and their targets [B, D] look upon pictures [P, D]: divergence of the two softmaxes."""
    wanted = (scale * targets @ pictures.T).log_softmax(1)
    given = (scale * texts @ pictures.T).log_softmax(1)
    return F.kl_div(given, wanted, reduction="batchmean", log_target=True)


def rank_loss(texts: Tensor, others: Tensor, scale: Tensor, target: Tensor) -> Tensor:
    """Texts [B, D] into concepts [C, D] with soft targets [B, C], and each concept back into the texts that name it."""
    logits = scale * (texts @ others.T)
    forward = -(logits.log_softmax(1) * target).sum(1).mean()
    columns = target.sum(0) > 0
    back = target[:, columns] / target[:, columns].sum(0)
    return forward - 0.3 * (logits[:, columns].log_softmax(0) * back).sum(0).mean()


class TextModule(nn.Module):
    """What stage 2 learns: the tower and the scale of the cosines."""

    def __init__(self, config: TextConfig):
        super().__init__()
        self.tower = TextTower(config)
        self.log_scale = nn.Parameter(torch.tensor(2.7))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser, minutes=60, batch=512, rate=1.5e-3, eval_every=3)
    parser.add_argument("--image", type=Path, required=True, help="image.pt of stage 1")
    parser.add_argument("--layers", type=int, default=TextConfig.layers)
    parser.add_argument("--pictures", type=int, default=12000, help="augmented training pictures that texts are to see as prototypes do")
    parser.add_argument("--name-share", type=float, default=0.78)
    parser.add_argument("--without-locales", default="", help="for test D, e.g. gl,sl,af,mr,ky,lo")
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    concepts = load_concepts(args.data)
    held_out = held_out_concepts(concepts, args.hold_out_concepts)
    image = load_trained(args.image)
    prototypes = F.normalize(image.prototypes.data, dim=-1)
    captions = Captions(args.data / "captions.jsonl", held_out, set(filter(None, args.without_locales.split(","))), args.name_share)
    print(f"{len(captions.text)} captions", flush=True)
    pool = picture_pool(image.tower, args.data, concepts, held_out, args.pictures)
    tests = retrieval_tests(image.tower, args.data)

    tokenizer = Tokenizer.from_file(str(args.data / "tokenizer.json"))
    config = TextConfig(vocabulary=tokenizer.get_vocab_size(), layers=args.layers)
    tokenizer.enable_truncation(config.positions)
    resegment = Resegmenter(tokenizer.get_vocab())
    module = TextModule(config)
    if args.warm:
        warm_text(module.tower, tokenizer, args.warm)
    training = Training(module, "text", "texts", 0.01, args)
    random.seed(args.seed + training.step)
    while training.goes_on():
        rows = captions.sample(training.rng, BUCKETS * args.batch)
        texts = [vary(captions.text[i], captions.frames[i]) for i in rows]
        ids = [resegment(e.ids)[: config.positions] for e in tokenizer.encode_batch(texts)]
        order = np.array([len(x) for x in ids]).argsort(kind="stable").reshape(BUCKETS, args.batch)  # like lengths together
        for part in training.rng.permutation(order):
            padded, mask = pad([ids[i] for i in part])
            target = captions.targets(rows[part], len(concepts))
            with short_floats():
                embeddings = module.tower(padded, mask, word_dropout=0.05)
            embeddings = F.normalize(embeddings.float(), dim=-1)
            wanted = F.normalize(target @ prototypes, dim=-1)
            loss = rank_loss(embeddings, prototypes, module.log_scale.exp().clamp(max=60), target)
            loss = loss + 4 * (1 - (embeddings * wanted).sum(1)).mean()
            looked_at = pool[torch.randint(len(pool), (PICTURES_A_STEP,))]
            training.learn(loss + 3 * view_loss(embeddings, wanted, looked_at, VIEW_SCALE))
        if training.is_evaluation_due():
            training.log({"r1_r10": evaluate(training.averaged.tower, tokenizer, tests)})


def retrieval_tests(image: ImageTower, data: Path) -> dict[str, tuple[list[str], Tensor, Tensor]]:
    """{locale: (names, their concepts, OpenMoji embeddings by concept)} for the curve of a run."""
    held = load_pictures(data, "heldout")
    rows = held.rows("openmoji")
    found = embed_pictures(image, plain_views(held, rows, image.config.image_size))
    pictures = torch.zeros(int(held.concept.max()) + 1, found.shape[1]).index_copy(0, held.concept[rows], found)
    captions = [json.loads(line) for line in (data / "captions.jsonl").open()]
    tests = {}
    for locale in ("en", "de", "zh", "ja", "hi", "sw", "ar", "ru"):
        chosen = [r for r in captions if r["locale"] == locale and r["kind"] == "name" and len(r["concepts"]) == 1]
        tests[locale] = ([r["text"] for r in chosen], torch.tensor([r["concepts"][0] for r in chosen]), pictures)
    return tests


def evaluate(tower: TextTower, tokenizer: Tokenizer, tests: dict) -> dict[str, list[float]]:
    figures = {}
    for locale, (texts, concept, pictures) in tests.items():
        scores = encode_texts(tower, tokenizer, texts) @ pictures.T
        top = scores.topk(10, 1).indices == concept[:, None]
        figures[locale] = [round(100 * hit.float().mean().item(), 1) for hit in (top[:, 0], top.any(1))]
    return figures


if __name__ == "__main__":
    main()
