"""What EfficientNet-Lite0 sees in pictures: 1280 features each, computed once with ONNX Runtime (far faster than PyTorch here) and
kept in files."""

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from PIL import Image
from torch import Tensor

from .lite import SIZE, pretrained

BATCH = 8


def squash(picture: Image.Image) -> Tensor:
    """An opaque picture as bytes [3, 224, 224], both sides resized alike (bicubic, antialiased), as the product does it."""
    if picture.size != (SIZE, SIZE):
        picture = picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)


class Features:
    """Features of pictures, each set in a file of its own."""

    def __init__(self, folder: Path, threads: int = 2):
        self.folder, self.threads, self.session = folder, threads, None
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, name: str, pictures: Callable[[], Iterable[Image.Image]]) -> Tensor:
        """[N, 1280]; `pictures` is called when the set `name` has no file yet."""
        file = self.folder / f"{name}.pt"
        if not file.exists():
            torch.save(self.compute(pictures()), file)
        return torch.load(file)

    def compute(self, pictures: Iterable[Image.Image]) -> Tensor:
        rows, batch = [], []
        for picture in pictures:
            batch.append(squash(picture).float())
            if len(batch) == BATCH:
                rows.append(self.run(torch.stack(batch)))
                batch = []
        return torch.cat([*rows, self.run(torch.stack(batch))] if batch else rows)

    def run(self, pixels: Tensor) -> Tensor:
        if self.session is None:
            file = io.BytesIO()
            torch.onnx.export(
                pretrained(), (torch.zeros(2, 3, SIZE, SIZE),), file, dynamo=False,
                input_names=["pixels"], output_names=["features"], dynamic_axes={"pixels": {0: "n"}, "features": {0: "n"}},
            )  # fmt: skip
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self.threads
            self.session = onnxruntime.InferenceSession(file.getvalue(), options)
        return torch.from_numpy(self.session.run(None, {"pixels": pixels.numpy()})[0])
