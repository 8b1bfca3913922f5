"""What simple tricks reach on the same tests. A model that is not well above them has learned nothing."""

from collections import Counter, defaultdict

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .pictures import Pictures, on_white
from .train_text import is_held_out_keyword


def thumbnails(pictures: Pictures, rows: list[int]) -> Tensor:
    """[len(rows), 768]: 16 x 16 RGB on white."""
    small = [np.asarray(on_white(pictures.pixels[i]).resize((16, 16)), dtype=np.float32).ravel() for i in rows]
    return torch.from_numpy(np.stack(small)) / 255


def pixel_neighbour(training: Pictures, held: Pictures, style: str) -> dict[str, float]:
    """The concept of the nearest plain training picture, by 16 x 16 pixels."""
    known = [i for i, v in enumerate(training.variant) if v == "plain"]
    queries = held.rows(style)
    distance = torch.cdist(thumbnails(held, queries), thumbnails(training, known))
    concept = training.concept[known]
    hits1 = hits5 = 0
    for row, query in zip(distance, queries):
        best: list[int] = []
        for i in row.argsort()[:200].tolist():
            if concept[i].item() not in best:
                best.append(concept[i].item())
        hits1 += held.concept[query].item() == best[0]
        hits5 += held.concept[query].item() in best[:5]
    return {"top1": round(100 * hits1 / len(queries), 1), "top5": round(100 * hits5 / len(queries), 1)}


def trigrams(text: str) -> list[str]:
    padded = f"  {text.lower()} "
    return [padded[i : i + 3] for i in range(len(padded) - 2)]


def trigram_lookup(captions: list[dict], rows: list[dict], concept: list[int]) -> dict[str, float]:
    """The concepts of the training caption of the same language with the most alike character trigrams."""
    where = {c: i for i, c in enumerate(concept)}
    hits1, hits10 = 0, 0
    by_locale = defaultdict(list)
    for row in rows:
        by_locale[row["locale"]].append(row)
    for locale, queries in by_locale.items():
        known = [r for r in captions if r["locale"] == locale and not is_held_out_keyword(r)]
        vocabulary = {t: i for i, t in enumerate(Counter(t for r in known for t in trigrams(r["text"])))}

        def matrix(texts: list[str]) -> Tensor:
            pairs = [(i, vocabulary[t]) for i, text in enumerate(texts) for t in trigrams(text) if t in vocabulary]
            index = torch.tensor(pairs).T if pairs else torch.zeros(2, 0, dtype=torch.long)
            size = (len(texts), len(vocabulary))
            dense = torch.sparse_coo_tensor(index, torch.ones(index.shape[1]), size, check_invariants=False).to_dense()
            return F.normalize(dense, dim=1)

        table = matrix([r["text"] for r in known])
        owner = torch.tensor([where[c] if c in where else -1 for r in known for c in r["concepts"]])
        caption = torch.tensor([i for i, r in enumerate(known) for _ in r["concepts"]])
        owner, caption = owner[owner >= 0], caption[owner >= 0]
        for row, similar in zip(queries, matrix([r["text"] for r in queries]) @ table.T):
            scores = torch.zeros(len(concept)).scatter_reduce(0, owner, similar[caption], "amax")
            best = scores.topk(10).indices.tolist()
            hits1 += best[0] in row["right"]
            hits10 += any(b in row["right"] for b in best)
    return {"r1": round(100 * hits1 / len(rows), 1), "r10": round(100 * hits10 / len(rows), 1)}
