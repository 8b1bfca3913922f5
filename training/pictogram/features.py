"""What EfficientNet-Lite0 sees in pictures: 1280 features each, computed once and kept in files."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .lite import MIDDLE, SIZE, pretrained
from .runtime import compiled

BATCH = 8


def squash(picture: Image.Image) -> Tensor:
    """An opaque picture as bytes [3, SIZE, SIZE], both sides resized alike (bicubic, antialiased), as the product does it."""
    if picture.size != (SIZE, SIZE):
        picture = picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)


def in_batches(pictures: Iterable[Image.Image], run: Callable[[Tensor], Tensor]) -> Tensor:
    """What `run` makes of all pictures, as floats from 0 to 255 [B, 3, SIZE, SIZE]."""
    rows, batch = [], []
    for picture in pictures:
        batch.append(squash(picture).float())
        if len(batch) == BATCH:
            rows.append(run(torch.stack(batch)))
            batch = []
    return torch.cat([*rows, run(torch.stack(batch))] if batch else rows)


class Features:
    """Features of pictures, each set in a file of its own."""

    def __init__(self, folder: Path):
        self.folder, self.run = folder, None
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, name: str, pictures: Callable[[], Iterable[Image.Image]]) -> Tensor:
        """[N, 1280]; `pictures` is called when the set `name` has no file yet."""
        file = self.folder / f"{name}-{SIZE}-{MIDDLE}.pt"
        if not file.exists():
            self.run = self.run or compiled(pretrained(), torch.zeros(2, 3, SIZE, SIZE))
            torch.save(in_batches(pictures(), self.run), file)
        return torch.load(file)
