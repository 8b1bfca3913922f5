"""What both stages of training have in common: options, learning rate, time, checkpoint and log."""

import argparse
import copy
import json
import math
import os
import signal
import time
from contextlib import nullcontext
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

WARM_UP_STEPS = 150
PAUSE = 20.0  # seconds; a step that took longer was suspended meanwhile, which does not count
SAVE_EVERY = 120.0  # seconds
CHANGE = 0.001  # share of a step's weights in the running mean


def add_options(parser: argparse.ArgumentParser, *, minutes: float, batch: int, rate: float, eval_every: float) -> None:
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoint and log; continues where it stopped")
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--rate", type=float, default=rate)
    parser.add_argument("--warm", type=Path, help="an exported checkpoint to start from")
    parser.add_argument("--start", type=Path, help="the checkpoint of another run of this stage to start from, of the same shape")
    parser.add_argument("--hold-out-concepts", type=int, default=0, help="for test E")
    parser.add_argument("--eval-every", type=float, default=eval_every, help="minutes")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as are free")
    parser.add_argument("--seed", type=int, default=0)


def rate_at(peak: float, progress: float, step: int) -> float:
    """A short linear warm-up in steps, then half a cosine over the share of the time that is used up."""
    return peak * min(1.0, (step + 1) / WARM_UP_STEPS) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def optimizers(module: nn.Module, rate: float, decay: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, brought to AdamW's step length, so that one rate does for both; AdamW for all else."""
    matrices, decayed, others = [], [], []
    for name, parameter in module.named_parameters():
        if name.startswith("tower.layers.") and parameter.ndim == 2:
            matrices.append(parameter)
        elif name.startswith("tower.") and parameter.ndim >= 2:
            decayed.append(parameter)
        else:
            others.append(parameter)
    groups = [{"params": decayed, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    return [
        torch.optim.Muon(matrices, lr=rate, weight_decay=decay, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True),
    ]


def short_floats() -> torch.autocast:
    """Products in bfloat16, where the processor is faster with it; one without instructions for it is eight times slower."""
    return torch.autocast("cpu", torch.bfloat16, enabled=is_bfloat16_fast())


@cache
def is_bfloat16_fast() -> bool:
    x, weight = torch.ones(1024, 192), torch.ones(768, 192)

    def seconds(x: Tensor, weight: Tensor) -> float:
        nn.functional.linear(x, weight)
        start = time.perf_counter()
        nn.functional.linear(x, weight)
        return time.perf_counter() - start

    return seconds(x.bfloat16(), weight.bfloat16()) < seconds(x, weight)


class LongFloats(TorchFunctionMode):
    """Leaves in float32 what would become bfloat16: torch's Muon makes its steps orthogonal in it on every processor."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        return args[0].clone() if function is Tensor.bfloat16 else function(*args, **(kwargs or {}))


class Training:
    """A time-boxed training of a module, whose checkpoint survives an interruption.

    The learning rate follows the share of the minutes that is used up, over interruptions too. What counts in the end is `averaged`,
    the running mean of the weights over about a thousand steps: it fits a style that was never seen better than any one step does.
    """

    def __init__(self, module: nn.Module, stage: str, unit: str, decay: float, args: argparse.Namespace):
        """`stage` names the checkpoint, `unit` what a batch is made of."""
        self.module, self.averaged = module, copy.deepcopy(module).eval()
        self.stage, self.unit, self.args = stage, unit, args
        self.optimizers = optimizers(module, args.rate, decay)
        self.budget, self.used, self.step = args.minutes * 60, 0.0, 0
        args.run.mkdir(parents=True, exist_ok=True)
        self.checkpoint = args.run / f"{stage}.pt"
        if self.checkpoint.exists():
            self.load()
        elif args.start:
            start = torch.load(args.start)["module"]
            self.module.load_state_dict(start)
            self.averaged.load_state_dict(start)
        self.stopping = False
        signal.signal(signal.SIGTERM, self.stop)
        self.threads = Threads(args.threads)
        torch.manual_seed(args.seed + self.step)
        self.rng = np.random.default_rng(args.seed + self.step)
        self.next_save, self.next_evaluation = self.used + SAVE_EVERY, self.used + args.eval_every * 60
        self.losses: list[float] = []
        self.last = time.time()

    def stop(self, *_signal: object) -> None:
        self.stopping = True

    def load(self) -> None:
        saved = torch.load(self.checkpoint)
        self.averaged.load_state_dict(saved["module"])
        self.module.load_state_dict(saved["training"]["module"])
        for optimizer, state in zip(self.optimizers, saved["training"]["optimizers"]):
            optimizer.load_state_dict(state)
        self.used, self.step = saved["training"]["used"], saved["training"]["step"]
        print(f"continuing at step {self.step}, {self.used / 60:.1f} minutes in")

    def save(self) -> None:
        """Writes beside the checkpoint, then renames, so that a stop leaves the old one or the new one whole."""
        states = [optimizer.state_dict() for optimizer in self.optimizers]
        training = {"module": self.module.state_dict(), "optimizers": states, "used": self.used, "step": self.step}
        new = self.checkpoint.with_suffix(".new")
        torch.save({"module": self.averaged.state_dict(), "config": asdict(self.module.tower.config), "training": training}, new)
        os.replace(new, self.checkpoint)

    @property
    def progress(self) -> float:
        return self.used / self.budget

    def goes_on(self) -> bool:
        """Asked before each batch of work; saves when it is time to, and at the end."""
        if self.stopping or self.used >= min(self.next_save, self.budget):
            self.save()
            self.next_save = self.used + SAVE_EVERY
        if self.stopping:
            print(f"stopped at step {self.step}; the same command continues")
        return not self.stopping and self.used < self.budget

    def learn(self, loss: Tensor) -> None:
        """One step of gradient descent."""
        self.threads.adjust()
        rate = rate_at(self.args.rate, self.progress, self.step)
        self.module.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.module.tower.parameters(), 1.0)
        with nullcontext() if is_bfloat16_fast() else LongFloats():
            for optimizer in self.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = rate
                optimizer.step()
        self.step += 1
        self.average()
        self.losses = [*self.losses[-199:], loss.item()]
        now = time.time()
        self.used, self.last = self.used + min(now - self.last, PAUSE), now
        if self.step % 100 == 0:
            left = max(0.0, self.budget - self.used) / 60
            print(f"step {self.step} loss {np.mean(self.losses):.3f}, {self.used / 60:.1f} min used, {left:.1f} min left", flush=True)

    @torch.no_grad()
    def average(self) -> None:
        share = max(CHANGE, 1 / (1 + self.step / 10))  # the first steps are soon forgotten
        torch._foreach_lerp_(list(self.averaged.parameters()), list(self.module.parameters()), share)

    def is_evaluation_due(self) -> bool:
        return not self.stopping and self.used >= min(self.next_evaluation, self.budget)

    def log(self, figures: dict) -> None:
        """Adds a line to the run's curve. The time since the last step, that is the evaluation's, does not count."""
        line = {"stage": self.stage, "minutes": round(self.used / 60, 1), "step": self.step}
        line |= {self.unit: self.step * self.args.batch, "loss": round(float(np.mean(self.losses)), 3)} | figures
        with (self.args.run / "log.jsonl").open("a") as out:
            out.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
        self.next_evaluation, self.last = self.used + self.args.eval_every * 60, time.time()


def tower_of(checkpoint: Path) -> tuple[dict, dict[str, Tensor]]:
    """The configuration and the averaged weights of a checkpoint's tower."""
    saved = torch.load(checkpoint)
    return saved["config"], {k.removeprefix("tower."): v for k, v in saved["module"].items() if k.startswith("tower.")}


class Threads:
    """How many threads to compute with. On a shared machine a thread that waits for its core stalls all the others, so with
    0 ("adapt") a core that other programs keep busy is left to them; looked at every few seconds."""

    def __init__(self, wanted: int):
        self.adapt = wanted == 0 and Path("/proc/stat").exists()
        self.cores = os.cpu_count() or 1
        torch.set_num_threads(wanted or self.cores)
        self.seen = self.look()

    def look(self) -> tuple[float, float, float]:
        """(now, seconds of CPU that all programs used, seconds that this one used)"""
        own = os.times()
        busy = 0.0
        if self.adapt:
            user, nice, system, _idle, _wait, irq, soft = map(int, Path("/proc/stat").read_text().split()[1:8])
            busy = (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")
        return time.time(), busy, own.user + own.system

    def adjust(self) -> None:
        if not self.adapt or time.time() - self.seen[0] < 3:
            return
        now = self.look()
        seconds, busy, own = (b - a for a, b in zip(self.seen, now))
        others = max(0.0, busy - own) / seconds  # cores
        torch.set_num_threads(max(1, self.cores - round(others)))
        self.seen = now
