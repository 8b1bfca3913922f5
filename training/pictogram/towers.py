"""The two towers, written out plainly with the tensor names of Hugging Face's CLIP and DistilBERT.

ImageTower is CLIPVisionModelWithProjection (pre-LayerNorm, quick GELU); TextTower is DistilBertModel (post-LayerNorm, exact
GELU) with mean pooling and a dense layer without bias. export.py checks both against the transformers library.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass
class ImageConfig:
    width: int = 256
    layers: int = 5
    heads: int = 4
    mlp: int = 1024
    image_size: int = 96
    patch_size: int = 8
    projection: int = 512

    @property
    def patches(self) -> int:
        return (self.image_size // self.patch_size) ** 2


@dataclass
class TextConfig:
    vocabulary: int = 11800
    width: int = 192
    layers: int = 3
    heads: int = 3
    mlp: int = 768
    positions: int = 64
    projection: int = 512
    head: int = 0  # hidden units of a dense layer with GELU before the last one; 0: there is none


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
    """Softmax attention of [B, T, W] tensors; mask [B, T] is 1 for tokens and 0 for padding."""
    batch, length, width = q.shape
    q, k, v = (x.view(batch, length, heads, width // heads).transpose(1, 2) for x in (q, k, v))
    scores = q @ k.transpose(-1, -2) * (width // heads) ** -0.5  # [B, heads, T, T]
    if mask is not None:
        scores = scores.masked_fill(mask[:, None, None, :] == 0, -1e4)
    return (scores.softmax(-1).to(v.dtype) @ v).transpose(1, 2).reshape(batch, length, width)


def fused_qkv(x: Tensor, q: nn.Linear, k: nn.Linear, v: nn.Linear) -> tuple[Tensor, ...]:
    """Three projections as one matrix product, a good deal faster on a CPU."""
    weight = torch.cat([q.weight, k.weight, v.weight])
    bias = torch.cat([q.bias, k.bias, v.bias])
    return F.linear(x, weight, bias).chunk(3, -1)


class ImageAttention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.out_proj(attend(*fused_qkv(x, self.q_proj, self.k_proj, self.v_proj), self.heads))


class ImageMlp(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Quick GELU, h * sigmoid(1.702 h), as silu(1.702 h) / 1.702 with the factor in the weights: one kernel instead of six."""
        h = F.linear(x, 1.702 * self.fc1.weight, 1.702 * self.fc1.bias)
        return F.linear(F.silu(h), self.fc2.weight / 1.702, self.fc2.bias)


class ImageLayer(nn.Module):
    def __init__(self, config: ImageConfig):
        super().__init__()
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(config.width), nn.LayerNorm(config.width)
        self.self_attn = ImageAttention(config.width, config.heads)
        self.mlp = ImageMlp(config.width, config.mlp)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class ImageTower(nn.Module):
    """Pixels [B, 3, S, S], normalised with MEAN and STD -> embeddings [B, 512] (not unit length)."""

    def __init__(self, config: ImageConfig):
        super().__init__()
        self.config = config
        w, p = config.width, config.patch_size
        self.class_embedding = nn.Parameter(torch.randn(w) * 0.02)
        self.patch_embedding = nn.Parameter(torch.randn(w, 3, p, p) * (3 * p * p) ** -0.5)
        self.position_embedding = nn.Parameter(torch.randn(config.patches + 1, w) * 0.02)
        self.pre_layrnorm = nn.LayerNorm(w)
        self.layers = nn.ModuleList([ImageLayer(config) for _ in range(config.layers)])
        self.post_layernorm = nn.LayerNorm(w)
        self.visual_projection = nn.Linear(w, config.projection, bias=False)
        for layer in self.layers:  # a small start for what is added to the residual stream
            nn.init.normal_(layer.self_attn.out_proj.weight, std=0.02)
            nn.init.normal_(layer.mlp.fc2.weight, std=0.02)

    def forward(self, pixels: Tensor, keep: float = 1.0) -> Tensor:
        """keep < 1 looks at a random part of the patches: faster, and it regularises."""
        batch, p, n = len(pixels), self.config.patch_size, self.config.image_size // self.config.patch_size
        patches = pixels.view(batch, 3, n, p, n, p).permute(0, 2, 4, 1, 3, 5).reshape(batch, n * n, 3 * p * p)
        x = F.linear(patches, self.patch_embedding.flatten(1)) + self.position_embedding[1:]
        if keep < 1:
            kept = torch.rand(batch, n * n).argsort(1)[:, : round(keep * n * n)]  # [B, kept]
            x = x.gather(1, kept[:, :, None].expand(-1, -1, x.shape[-1]))
        first = (self.class_embedding + self.position_embedding[0]).to(x.dtype).expand(batch, 1, -1)
        x = self.pre_layrnorm(torch.cat([first, x], 1))
        for layer in self.layers:
            x = layer(x)
        return self.visual_projection(self.post_layernorm(x[:, 0]))


class TextAttention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q_lin, self.k_lin, self.v_lin, self.out_lin = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.out_lin(attend(*fused_qkv(x, self.q_lin, self.k_lin, self.v_lin), self.heads, mask))


class TextFfn(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.lin1, self.lin2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.lin2(F.gelu(self.lin1(x)))


class TextLayer(nn.Module):
    def __init__(self, config: TextConfig):
        super().__init__()
        self.attention = TextAttention(config.width, config.heads)
        self.sa_layer_norm = nn.LayerNorm(config.width, eps=1e-12)
        self.ffn = TextFfn(config.width, config.mlp)
        self.output_layer_norm = nn.LayerNorm(config.width, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.sa_layer_norm(x + self.attention(x, mask))
        return self.output_layer_norm(x + self.ffn(x))


class TextTower(nn.Module):
    """Token ids [B, T] and mask [B, T] -> embeddings [B, 512] (not unit length)."""

    def __init__(self, config: TextConfig):
        super().__init__()
        self.config = config
        self.word_embeddings = nn.Embedding(config.vocabulary, config.width)
        self.position_embeddings = nn.Embedding(config.positions, config.width)
        nn.init.normal_(self.word_embeddings.weight, std=0.05)
        nn.init.normal_(self.position_embeddings.weight, std=0.02)
        self.LayerNorm = nn.LayerNorm(config.width, eps=1e-12)
        self.layers = nn.ModuleList([TextLayer(config) for _ in range(config.layers)])
        self.expand = nn.Linear(config.width, config.head) if config.head else None
        self.dense = nn.Linear(config.head or config.width, config.projection, bias=False)

    @property
    def dimensions(self) -> int:
        return self.config.projection

    def forward(self, ids: Tensor, mask: Tensor, word_dropout: float = 0.0) -> Tensor:
        return self.dense(self.features(ids, mask, word_dropout))

    def features(self, ids: Tensor, mask: Tensor, word_dropout: float = 0.0) -> Tensor:
        """What the last dense layer sees."""
        x = self.word_embeddings(ids)
        if word_dropout > 0:
            x = x * (torch.rand(ids.shape) >= word_dropout)[:, :, None]
        x = self.LayerNorm(x + self.position_embeddings.weight[: ids.shape[1]])
        for layer in self.layers:
            x = layer(x, mask)
        weights = mask[:, :, None].to(x.dtype)
        pooled = (x * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
        return F.gelu(self.expand(pooled)) if self.expand else pooled
