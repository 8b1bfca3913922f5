"""Learning-rate schedule, time left, and the log of a run's curve (one JSON object a line)."""

import json
import math
import os
import time
from pathlib import Path

import torch

WARM_UP_STEPS = 150
PAUSE = 20.0  # seconds; a step that took longer was suspended meanwhile, which does not count


def rate_at(peak: float, progress: float, step: int) -> float:
    """A short linear warm-up in steps, then half a cosine over the share of the time that is used up."""
    return peak * min(1.0, (step + 1) / WARM_UP_STEPS) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def time_left(used: float, budget: float) -> str:
    return f"{used / 60:.1f} min used, {max(0.0, budget - used) / 60:.1f} min left"


def log_line(path: Path, line: dict) -> None:
    with path.open("a") as out:
        out.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)


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
