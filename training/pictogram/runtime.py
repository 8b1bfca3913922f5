"""PyTorch modules run by ONNX Runtime, which is several times faster than PyTorch where convolutions are depthwise."""

import io
from collections.abc import Callable

import onnxruntime
import torch
from torch import Tensor, nn


def compiled(module: nn.Module, example: Tensor, threads: int = 2) -> Callable[[Tensor], Tensor]:
    """`module` as a function of a batch; its first axis may be of any length."""
    file = io.BytesIO()
    torch.onnx.export(
        module.eval(), (example,), file, dynamo=False, opset_version=18,
        input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "n"}, "y": {0: "n"}},
    )  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file.getvalue(), options)
    return lambda batch: torch.from_numpy(session.run(None, {"x": batch.numpy()})[0])
