"""Starting from an earlier checkpoint in the sentence-transformers layout: fewer layers, other patches, another vocabulary."""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from . import rows
from .towers import ImageTower, TextConfig, TextTower

IMAGE_FOLDER = "image/0_CLIPModel"


def load_image_state(folder: Path, part: str = IMAGE_FOLDER) -> dict[str, Tensor]:
    """The tensors of an exported image tower under the names of ImageTower."""
    state = {}
    for name, tensor in load_file(folder / part / "model.safetensors").items():
        name = name.removeprefix("vision_model.").replace("encoder.layers.", "layers.").replace("embeddings.", "")
        name = {"patch_embedding.weight": "patch_embedding", "position_embedding.weight": "position_embedding"}.get(name, name)
        if "position_ids" not in name and name != "logit_scale":
            state[name] = tensor.float()
    return state


class TextPair:
    """Two towers side by side, [u, w v]: what a text means among photographs, and among drawings; u and v of unit length."""

    def __init__(self, halves: list[TextTower], weight: float):
        self.halves, self.config, self.weight = halves, halves[0].config, weight

    def __call__(self, ids: Tensor, mask: Tensor) -> Tensor:
        u, v = (F.normalize(half(ids, mask), dim=-1) for half in self.halves)
        return torch.cat([u, self.weight * v], 1)

    @property
    def dimensions(self) -> int:
        return sum(half.config.projection for half in self.halves)


def load_text(folder: Path) -> tuple[TextTower | TextPair, Tokenizer]:
    """An exported text tower, or both of a pair, with the tokenizer."""
    text = folder / "text"
    modules = json.loads((text / "modules.json").read_text())
    starts = [i for i, module in enumerate(modules) if module["type"].endswith(".Transformer")]
    towers = [
        load_distilbert(text, [m["path"] for m in modules[start:end]]) for start, end in zip(starts, [*starts[1:], len(modules)])
    ]
    tokenizer = Tokenizer.from_file(str(text / "tokenizer.json"))
    if len(towers) == 1:
        return towers[0], tokenizer
    return TextPair(towers, json.loads((text / "config.json").read_text())["drawings_weight"]), tokenizer


def load_distilbert(folder: Path, parts: list[str]) -> TextTower:
    """From the folders of transformer, pooling and one or two dense layers."""
    transformer, _, *denses = parts
    config = json.loads((folder / transformer / "config.json").read_text())
    state = {}
    for name, tensor in rows.load(folder / transformer / "model.safetensors").items():
        name = name.removeprefix("distilbert.").replace("transformer.layer.", "layers.").replace("embeddings.LayerNorm", "LayerNorm")
        state[name.replace("embeddings.word", "word").replace("embeddings.position", "position")] = tensor
    first, last = (rows.load(folder / denses[i] / "model.safetensors") for i in (0, -1))
    if len(denses) > 1:
        state["expand.weight"], state["expand.bias"] = first["linear.weight"], first["linear.bias"]
    state["dense.weight"] = last["linear.weight"]
    tower = TextTower(
        TextConfig(
            vocabulary=config["vocab_size"],
            width=config["dim"],
            layers=config["n_layers"],
            heads=config["n_heads"],
            mlp=config["hidden_dim"],
            positions=config["max_position_embeddings"],
            projection=len(state["dense.weight"]),
            head=len(state["expand.bias"]) if len(denses) > 1 else 0,
        )
    )
    tower.load_state_dict(state)
    return tower.eval()


def resize_patches(weight: Tensor, size: int) -> Tensor:
    """[W, 3, p, p] -> [W, 3, size, size], keeping a filter's answer to a smooth patch."""
    old = weight.shape[-1]
    return F.interpolate(weight, size=(size, size), mode="bicubic", antialias=True) * (old / size) ** 2


def resize_positions(table: Tensor, grid: int) -> Tensor:
    """[1 + n*n, W] -> [1 + grid*grid, W]; the class token's row stays."""
    n = round((len(table) - 1) ** 0.5)
    square = table[1:].T.reshape(1, -1, n, n)
    return torch.cat([table[:1], F.interpolate(square, size=(grid, grid), mode="bicubic").flatten(2)[0].T])


def warm_image(tower: ImageTower, folder: Path, drop_layer: int | None) -> None:
    """Fills `tower` from a checkpoint of the same width; leaves out one layer if the checkpoint has one more."""
    state = load_image_state(folder)
    config = tower.config
    state["patch_embedding"] = resize_patches(state["patch_embedding"], config.patch_size)
    state["position_embedding"] = resize_positions(state["position_embedding"], config.image_size // config.patch_size)
    if drop_layer is not None:
        kept = [i for i in range(config.layers + 1) if i != drop_layer]
        layers = {f"layers.{new}.": f"layers.{old}." for new, old in enumerate(kept)}
        plain = {k: v for k, v in state.items() if not k.startswith("layers.")}
        for new, old in layers.items():
            plain.update({k.replace(old, new, 1): v for k, v in state.items() if k.startswith(old)})
        state = plain
    tower.load_state_dict(state)


@torch.no_grad()
def encode_texts(tower: TextTower | TextPair, tokenizer: Tokenizer, texts: list[str], batch: int = 512) -> Tensor:
    """Unit embeddings [len(texts), 512]; texts of like length share a batch."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(tower.config.positions)
    ids = [e.ids for e in tokenizer.encode_batch(texts)]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    out = torch.empty(len(ids), tower.dimensions)
    for at in range(0, len(order), batch):
        rows = order[at : at + batch]
        length = max(len(ids[i]) for i in rows)
        padded = torch.tensor([ids[i] + [0] * (length - len(ids[i])) for i in rows])
        mask = torch.tensor([[1] * len(ids[i]) + [0] * (length - len(ids[i])) for i in rows])
        out[rows] = F.normalize(tower(padded, mask), dim=-1)
    return out


def prototypes_from_text(folder: Path, captions: Path, concepts: int) -> Tensor:
    """[concepts, 512] unit vectors: the mean embedding of a concept's names in a few large languages."""
    tower, tokenizer = load_text(folder)
    wanted = {"en", "de", "fr", "es", "ru", "zh", "ja", "hi", "tr", "pl", "id", "pt"}
    rows = [json.loads(line) for line in captions.open()]
    rows = [r for r in rows if r["locale"] in wanted and r["kind"] == "name"]
    vectors = encode_texts(tower, tokenizer, [r["text"] for r in rows])
    sums = torch.zeros(concepts, vectors.shape[1])
    for row, vector in zip(rows, vectors):
        for concept in row["concepts"]:
            sums[concept] += vector / len(row["concepts"])
    return F.normalize(sums, dim=-1)
