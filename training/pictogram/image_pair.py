"""The image tower of the pair as the product runs it: a vision transformer for drawings, EfficientNet-Lite0 for photographs, a gate.

One picture goes in. The classifier takes its middle; the transformer's smaller one is made of all of it by two matrices, with
Pillow's bicubic weights, and rounded to bytes. The embedding is [a u, b v], u and v of unit length: u the mixture of class
vectors that the classifier sees, v the transformer's vector, a = floor + (1 - floor) g and b = 1 + floor - a, g from 0 for a drawing to 1 for a photograph.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .lite import SIZE, LiteConfig, LiteTower
from .towers import MEAN, STD, ImageConfig, ImageTower


@dataclass
class PairConfig:
    drawings: ImageConfig
    photographs: LiteConfig
    image_size: int = SIZE  # of the picture that goes in
    u: int = 320
    temperature: float = 1.5
    floor: float = 0.15


def cubic(x: Tensor) -> Tensor:
    """Keys' cubic convolution kernel with a = -1/2."""
    t = x.abs()
    return torch.where(t < 1, (1.5 * t - 2.5) * t * t + 1, torch.where(t < 2, ((-0.5 * t + 2.5) * t - 4) * t + 2, torch.zeros_like(t)))


def resize_weights(source: int, target: int) -> Tensor:
    """[target, source]: one axis made smaller as Pillow's bicubic filter does."""
    scale = source / target
    centres = (torch.arange(target, dtype=torch.float64) + 0.5) * scale
    weights = cubic((torch.arange(source, dtype=torch.float64) + 0.5 - centres[:, None]) / scale)
    return (weights / weights.sum(1, keepdim=True)).float()


class ImagePair(nn.Module):
    """Bytes [B, 3, S, S], as floats from 0 to 255 -> embeddings [B, U + V], not of unit length."""

    def __init__(self, config: PairConfig):
        super().__init__()
        self.config = config
        self.drawings = ImageTower(config.drawings)
        self.photographs = LiteTower(config.photographs)
        self.class_vectors = nn.Parameter(torch.randn(config.photographs.classes, config.u))
        self.gate = nn.Linear(config.photographs.head + 2, 1)
        resize = resize_weights(config.image_size, config.drawings.image_size)
        self.register_buffer("resize", resize, persistent=False)

    def logits(self, features: Tensor) -> Tensor:
        """[B, classes], divided by the temperature."""
        return self.photographs.fc(features) / self.config.temperature

    def mixture(self, features: Tensor) -> Tensor:
        """u [B, U] of unit length."""
        return F.normalize(self.logits(features).softmax(1) @ self.class_vectors, dim=1)

    def signs(self, features: Tensor) -> Tensor:
        """What the gate looks at [B, head + 2]: the features, the largest logit, and the features' length. The classifier is
        sure of most photographs, and of few drawings that are shaded like one."""
        return torch.cat([features, self.logits(features).amax(1, keepdim=True), features.norm(dim=1, keepdim=True)], 1)

    def drawn(self, bytes_: Tensor) -> Tensor:
        """v [B, V] of unit length."""
        small = (self.resize @ bytes_ @ self.resize.T).round().clamp(0, 255) / 255
        mean, std = (torch.tensor(x)[:, None, None] for x in (MEAN, STD))
        return F.normalize(self.drawings((small - mean) / std), dim=1)

    def join(self, u: Tensor, v: Tensor, features: Tensor) -> Tensor:
        floor = self.config.floor
        a = floor + (1 - floor) * torch.sigmoid(self.gate(self.signs(features)))
        return torch.cat([a * u, (1 + floor - a) * v], 1)

    def forward(self, bytes_: Tensor) -> Tensor:
        features = self.photographs(bytes_)
        return self.join(self.mixture(features), self.drawn(bytes_), features)
