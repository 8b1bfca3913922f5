"""Weights as they lie in the files: fp16, or bytes with an fp16 scale for each row, which is half of it."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

SCALE = "_scale"  # added to the name of a tensor of bytes: its rows' scales


def row_bytes(name: str, tensor: Tensor) -> dict[str, Tensor]:
    """The tensor [rows, ...] as int8, symmetric, and its scales [rows]."""
    flat = tensor.detach().float().flatten(1)
    scale = (flat.abs().amax(1).clamp(min=1e-6) / 127).half()
    rows = (flat / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8)
    return {name: rows.view(tensor.shape).contiguous(), name + SCALE: scale}


def save(tensors: dict[str, Tensor], file: Path, in_bytes: tuple[str, ...] = ()) -> None:
    """Writes fp16; as bytes what has a name that ends with one of `in_bytes` and more than one dimension."""
    written: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        small = bool(in_bytes) and tensor.ndim > 1 and name.endswith(in_bytes)
        written |= row_bytes(name, tensor) if small else {name: tensor.detach().half().contiguous()}
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(written, file, metadata={"format": "pt"})


def load(file: Path) -> dict[str, Tensor]:
    """All tensors as float32."""
    found = load_file(file)
    out = {}
    for name, tensor in found.items():
        scale = found.get(name + SCALE)
        if scale is not None:
            out[name] = tensor.float() * scale.float().view(-1, *[1] * (tensor.ndim - 1))
        elif not (name.endswith(SCALE) and name.removesuffix(SCALE) in found):
            out[name] = tensor.float()
    return out
