"""Stage 1: the image tower learns which concept a drawing shows, whatever its style.

Every concept has a prototype, a learned unit vector. In a batch, pictures are classified into prototypes, and prototypes into
the batch's pictures, so that the distances also rank pictures for a given concept. Time-boxed: the learning rate follows the
share of --minutes that is used up, over interruptions too.
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
from torch import Tensor, nn

from .augment import augment
from .captions import hash_fraction
from .pictures import Pictures, concept_masks, load_concepts, load_pictures, plain_views, sampling_weights
from .progress import PAUSE, Threads, log_line, rate_at, time_left
from .towers import ImageConfig, ImageTower, config_dict
from .warm import prototypes_from_text, warm_image


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
def evaluate(tower: ImageTower, prototypes: Tensor, views: Tensor, concept: Tensor) -> dict[str, float]:
    """Nearest prototype, and prototype -> picture, in percent."""
    tower.eval()
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = F.normalize(torch.cat([tower(part).float() for part in views.split(256)]), dim=-1)
    tower.train()
    scores = embeddings @ F.normalize(prototypes, dim=-1).T  # [N, C]
    top = scores.topk(5, 1).indices == concept[:, None]
    back = scores.T[concept].topk(10, 1).indices == torch.arange(len(concept))[:, None]
    figures = {"top1": top[:, 0], "top5": top.any(1), "r1": back[:, 0], "r10": back.any(1)}
    return {name: round(100 * hit.float().mean().item(), 1) for name, hit in figures.items()}


def held_out_views(pictures: Pictures, style: str, size: int, step: int = 1) -> tuple[Tensor, Tensor]:
    rows = pictures.rows(style)[::step]
    return plain_views(pictures, rows, size), pictures.concept[rows]


def parameter_groups(tower: nn.Module, others: list[Tensor], decay: float) -> list[dict]:
    matrices = [p for p in tower.parameters() if p.ndim >= 2]
    vectors = [p for p in tower.parameters() if p.ndim < 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors + others, "weight_decay": 0.0}]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoint and log; continues where it stopped")
    parser.add_argument("--minutes", type=float, default=180)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--keep", type=float, default=0.5, help="share of the patches looked at, except in the last part")
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--patch", type=int, default=ImageConfig.patch_size, help="pixels a side; it divides 72")
    parser.add_argument("--warm", type=Path, help="an earlier checkpoint to start from")
    parser.add_argument("--warm-drop", type=int, help="the layer of it to leave out")
    parser.add_argument("--hold-out-concepts", type=int, default=0, help="for test E")
    parser.add_argument("--eval-every", type=float, default=4, help="minutes")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as are free")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    threads = Threads(args.threads)
    args.run.mkdir(parents=True, exist_ok=True)

    concepts = load_concepts(args.data)
    keeps_colour, mirror = concept_masks(concepts)
    pictures = load_pictures(args.data, "pictures")
    weights = sampling_weights(pictures, concepts, held_out_concepts(concepts, args.hold_out_concepts))
    cumulative = np.cumsum(weights)
    tower = ImageTower(ImageConfig(layers=args.layers, patch_size=args.patch))
    checkpoint = args.run / "image.pt"
    prototypes = nn.Parameter(torch.randn(len(concepts), 512) * 512**-0.5)
    log_scale = nn.Parameter(torch.tensor(3.0))
    if args.warm and not checkpoint.exists():
        warm_image(tower, args.warm, args.warm_drop)
        prototypes.data = prototypes_from_text(args.warm, args.data / "captions.jsonl", len(concepts))
    optimizer = torch.optim.AdamW(
        parameter_groups(tower, [prototypes, log_scale], args.decay), lr=args.rate, betas=(0.9, 0.98), fused=True
    )
    used, step = 0.0, 0
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        tower.load_state_dict(saved["tower"])
        prototypes.data, log_scale.data = saved["prototypes"], saved["log_scale"]
        optimizer.load_state_dict(saved["optimizer"])
        used, step = saved["used"], saved["step"]
        print(f"continuing at step {step}, {used / 60:.1f} minutes in")

    held = load_pictures(args.data, "heldout")
    size = tower.config.image_size
    tests = {"openmoji": held_out_views(held, "openmoji", size), "black": held_out_views(held, "openmoji-black", size, 4)}
    rng = np.random.default_rng(args.seed + step)
    torch.manual_seed(args.seed + step)
    budget = args.minutes * 60
    last, next_eval, next_save, recent = time.time(), used + args.eval_every * 60, used + 120, []

    def save() -> None:
        """Writes beside the checkpoint, then renames, so that a stop leaves the old one or the new one whole."""
        state = {
            "tower": tower.state_dict(), "config": config_dict(tower), "prototypes": prototypes.data,
            "log_scale": log_scale.data, "optimizer": optimizer.state_dict(), "used": used, "step": step,
        }  # fmt: skip
        torch.save(state, checkpoint.with_suffix(".new"))
        os.replace(checkpoint.with_suffix(".new"), checkpoint)

    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    while used < budget:
        threads.adjust()
        progress = used / budget
        for group in optimizer.param_groups:
            group["lr"] = rate_at(args.rate, progress, step)
        rows = np.minimum(np.searchsorted(cumulative, rng.random(args.batch)), len(weights) - 1)
        concept = pictures.concept[rows]
        pixels = augment(torch.from_numpy(pictures.pixels[rows]), size, keeps_colour[concept], mirror[concept])
        with torch.autocast("cpu", torch.bfloat16):
            embeddings = tower(pixels, args.keep if progress < 0.85 else 1.0)
        embeddings = F.normalize(embeddings.float(), dim=-1)
        scale = log_scale.exp().clamp(max=60)
        loss = two_way_loss(embeddings, F.normalize(prototypes, dim=-1), concept, scale, 0.1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimizer.step()
        step += 1
        recent.append(loss.item())
        now = time.time()
        used, last = used + min(now - last, PAUSE), now
        if step % 100 == 0:
            print(f"step {step} loss {np.mean(recent[-100:]):.3f}, {time_left(used, budget)}", flush=True)
        if used >= next_save or used >= budget or stopping:
            save()
            next_save = used + 120
        if stopping:
            print(f"stopped at step {step}; the same command continues")
            return
        if used >= next_eval or used >= budget:
            figures = {name: evaluate(tower, prototypes.data, *test) for name, test in tests.items()}
            line = {"stage": "image", "minutes": round(used / 60, 1), "step": step, "pictures": step * args.batch}
            log_line(args.run / "log.jsonl", line | {"loss": round(float(np.mean(recent[-200:])), 3)} | figures)
            next_eval, recent = used + args.eval_every * 60, recent[-200:]
            last = time.time()


if __name__ == "__main__":
    main()
