"""Stage 2: the text tower learns to stand for a concept as the concept's prototype does, with stage 1 frozen.

A prototype is the vector that finds its concept's pictures best, in styles that were never seen too: better than the mean of the
concept's training pictures does. So texts are classified into prototypes, prototypes into the batch's texts, texts are drawn to
their prototype by cosine, and, what matters most, each text must see pictures as its prototype does: its similarities to some
thousand training pictures of all concepts are compared, as distributions. Each step takes a few hundred names and keywords in all
locales. A text that names several concepts has them all as its target.
"""

import argparse
import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

from .augment import augment
from .captions import hash_fraction
from .pictures import concept_masks, load_concepts, load_pictures, plain_views, sampling_weights
from .progress import PAUSE, Threads, log_line, rate_at, time_left
from .towers import ImageConfig, ImageTower, TextConfig, TextTower, config_dict
from .train_image import held_out_concepts, parameter_groups
from .warm import encode_texts, load_text

LOCALE_WEIGHT = {"en": 4.0} | {k: 3.0 for k in ("de", "fr", "es", "zh", "ja", "hi", "ar", "ru", "pt")}
LOCALE_WEIGHT |= {k: 2.0 for k in ("it", "nl", "pl", "tr", "ko", "vi", "id", "sw", "fa", "he", "uk", "el", "th", "bn", "ta")}
ENGLISH_FRAMES = ("a {}", "the {}", "an image of {}", "a drawing of a {}", "picture of a {}", "a photo of a {}", "{} icon", "{} emoji")
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
        rows = [json.loads(line) for line in path.open()]
        rows = [r for r in rows if r["locale"] not in without_locales and not is_held_out_keyword(r)]
        rows = [r for r in rows if not held_out.intersection(r["concepts"])]
        self.text = [r["text"] for r in rows]
        self.english = np.array([r["locale"] == "en" for r in rows])
        counts = np.array([len(r["concepts"]) for r in rows])
        self.starts = np.concatenate([[0], np.cumsum(counts)])
        self.concepts = torch.tensor([c for r in rows for c in r["concepts"]])
        name = np.array([r["kind"] == "name" for r in rows])
        # A keyword that fits hundreds of concepts says little about each of them.
        weight = np.array([LOCALE_WEIGHT.get(r["locale"], 1.0) for r in rows]) / np.maximum(1, counts) ** 0.25
        weight[name] *= name_share / weight[name].sum()
        weight[~name] *= (1 - name_share) / weight[~name].sum()
        self.cumulative = np.cumsum(weight)

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


def vary(text: str, english: bool, rng: np.random.Generator) -> str:
    """What people type differs in capitals, articles and frames."""
    luck = rng.random()
    if english and luck < 0.2:
        return ENGLISH_FRAMES[rng.integers(len(ENGLISH_FRAMES))].format(text)
    if luck < 0.3:
        return text.lower()
    if luck < 0.4:
        return text[:1].upper() + text[1:]
    return text


def pad(ids: list[list[int]]) -> tuple[Tensor, Tensor]:
    length = max(map(len, ids))
    padded = torch.tensor([row + [0] * (length - len(row)) for row in ids])
    return padded, (torch.arange(length)[None, :] < torch.tensor([len(row) for row in ids])[:, None]).long()


def warm_text(tower: TextTower, tokenizer: Tokenizer, folder: Path) -> None:
    """Takes over an earlier checkpoint whole if it has the same shape and vocabulary; else its word embeddings, for each piece its
    own (or those of its parts), on that table's main axes."""
    old_tower, old = load_text(folder)
    vocabulary = old.get_vocab()
    if old_tower.config == tower.config and vocabulary == tokenizer.get_vocab():
        tower.load_state_dict(old_tower.state_dict())
        return
    table = old_tower.word_embeddings.weight.data
    mean = table.mean(0)
    axes = torch.linalg.svd(table - mean, full_matrices=False).Vh[: tower.config.width]  # [width, old width]
    small = (table - mean) @ axes.T
    small *= 0.05 / small.std()
    for piece, i in tokenizer.get_vocab().items():
        if piece in vocabulary:
            tower.word_embeddings.weight.data[i] = small[vocabulary[piece]]
        elif not piece.startswith("##"):
            parts = old.encode(piece, add_special_tokens=False).ids
            if parts:
                tower.word_embeddings.weight.data[i] = small[parts].mean(0)


@torch.no_grad()
def embed_pictures(tower: ImageTower, pixels: Tensor) -> Tensor:
    """[B, 3, S, S] -> unit embeddings [B, 512]."""
    with torch.autocast("cpu", torch.bfloat16):
        return F.normalize(torch.cat([tower(part).float() for part in pixels.split(256)]), dim=-1)


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--image", type=Path, required=True, help="image.pt of stage 1")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--pictures", type=int, default=12000, help="augmented training pictures that texts are to see as prototypes do")
    parser.add_argument("--name-share", type=float, default=0.72)
    parser.add_argument("--warm", type=Path, help="an earlier checkpoint to start from")
    parser.add_argument("--start", type=Path, help="text.pt of another run to start from")
    parser.add_argument("--hold-out-concepts", type=int, default=0, help="for test E")
    parser.add_argument("--without-locales", default="", help="for test D, e.g. gl,sl,af,mr,ky,lo")
    parser.add_argument("--eval-every", type=float, default=3, help="minutes")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as are free")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    threads = Threads(args.threads)
    torch.manual_seed(args.seed)
    args.run.mkdir(parents=True, exist_ok=True)

    concepts = load_concepts(args.data)
    held_out = held_out_concepts(concepts, args.hold_out_concepts)
    saved_image = torch.load(args.image)
    image = ImageTower(ImageConfig(**saved_image["config"])).eval()
    image.load_state_dict(saved_image["tower"])
    prototypes = F.normalize(saved_image["prototypes"], dim=-1)
    captions = Captions(args.data / "captions.jsonl", held_out, set(filter(None, args.without_locales.split(","))), args.name_share)
    print(f"{len(captions.text)} captions", flush=True)
    pool = picture_pool(image, args.data, concepts, held_out, args.pictures)
    tests = retrieval_tests(image, args.data)

    tokenizer = Tokenizer.from_file(str(args.data / "tokenizer.json"))
    tower = TextTower(TextConfig(vocabulary=tokenizer.get_vocab_size(), layers=args.layers))
    tokenizer.enable_truncation(tower.config.positions)
    if args.warm:
        warm_text(tower, tokenizer, args.warm)
    if args.start:
        tower.load_state_dict(torch.load(args.start)["tower"])
    log_scale = nn.Parameter(torch.tensor(2.7))
    optimizer = torch.optim.AdamW(parameter_groups(tower, [log_scale], 0.01), lr=args.rate, betas=(0.9, 0.98), fused=True)
    checkpoint, used, step = args.run / "text.pt", 0.0, 0
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        tower.load_state_dict(saved["tower"])
        log_scale.data, used, step = saved["log_scale"], saved["used"], saved["step"]
        optimizer.load_state_dict(saved["optimizer"])
        print(f"continuing at step {step}, {used / 60:.1f} minutes in")

    def save() -> None:
        state = {"tower": tower.state_dict(), "config": config_dict(tower), "log_scale": log_scale.data}
        state |= {"optimizer": optimizer.state_dict(), "used": used, "step": step}
        torch.save(state, checkpoint.with_suffix(".new"))
        os.replace(checkpoint.with_suffix(".new"), checkpoint)

    stopping: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    rng = np.random.default_rng(args.seed + step)
    budget, last, next_eval, recent = args.minutes * 60, time.time(), used + args.eval_every * 60, []
    while used < budget and not stopping:
        threads.adjust()
        rows = captions.sample(rng, BUCKETS * args.batch)
        texts = [vary(captions.text[i], captions.english[i], rng) for i in rows]
        ids = [e.ids for e in tokenizer.encode_batch(texts)]
        order = np.array([len(x) for x in ids]).argsort(kind="stable").reshape(BUCKETS, args.batch)  # like lengths together
        for part in rng.permutation(order):
            for group in optimizer.param_groups:
                group["lr"] = rate_at(args.rate, used / budget, step)
            padded, mask = pad([ids[i] for i in part])
            target = captions.targets(rows[part], len(concepts))
            with torch.autocast("cpu", torch.bfloat16):
                embeddings = tower(padded, mask, word_dropout=0.05)
            embeddings = F.normalize(embeddings.float(), dim=-1)
            wanted = F.normalize(target @ prototypes, dim=-1)
            loss = rank_loss(embeddings, prototypes, log_scale.exp().clamp(max=60), target)
            loss = loss + 4 * (1 - (embeddings * wanted).sum(1)).mean()
            looked_at = pool[torch.randint(len(pool), (PICTURES_A_STEP,))]
            loss = loss + 3 * view_loss(embeddings, wanted, looked_at, VIEW_SCALE)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
            optimizer.step()
            step += 1
            recent.append(loss.item())
            now = time.time()
            used, last = used + min(now - last, PAUSE), now
        if step % 200 == 0:
            print(f"step {step} loss {np.mean(recent[-100:]):.3f}, {time_left(used, budget)}", flush=True)
        if used >= next_eval or used >= budget or stopping:
            save()
            line = {"stage": "text", "minutes": round(used / 60, 1), "step": step, "texts": step * args.batch}
            line |= {"loss": round(float(np.mean(recent[-200:])), 3)}
            log_line(args.run / "log.jsonl", line | {"r1_r10": evaluate(tower, tokenizer, tests)})
            next_eval, recent, last = used + args.eval_every * 60, recent[-200:], time.time()


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
    tower.eval()
    figures = {}
    for locale, (texts, concept, pictures) in tests.items():
        scores = encode_texts(tower, tokenizer, texts) @ pictures.T
        top = scores.topk(10, 1).indices == concept[:, None]
        figures[locale] = [round(100 * hit.float().mean().item(), 1) for hit in (top[:, 0], top.any(1))]
    tower.train()
    return figures


if __name__ == "__main__":
    main()
