"""Writes both towers in the sentence-transformers layout (fp16 safetensors) and checks the files against transformers."""

import argparse
import json
import shutil
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from . import rows
from .towers import MEAN, STD, ImageConfig, ImageTower, TextConfig
from .training import tower_of

BACKGROUND = [255, 255, 255]  # what transparent pictures are put on; the real CLIP has no such key
LIMIT_BYTES = 18_000_000


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def image_tensors(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Names of CLIPVisionModelWithProjection."""
    renamed = {}
    for name, tensor in state.items():
        if name.startswith("layers."):
            name = f"vision_model.encoder.{name}"
        elif name in ("patch_embedding", "position_embedding"):
            name = f"vision_model.embeddings.{name}.weight"
        elif name == "class_embedding":
            name = "vision_model.embeddings.class_embedding"
        elif name != "visual_projection.weight":
            name = f"vision_model.{name}"
        renamed[name] = tensor.half().contiguous()
    return renamed


def text_tensors(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Names of DistilBertModel."""
    renamed = {}
    for name, tensor in state.items():
        if name.startswith(("dense.", "expand.")):
            continue
        prefix = "transformer.layer." if name.startswith("layers.") else "embeddings."
        renamed[prefix + name.removeprefix("layers.")] = tensor
    return renamed


def export_image(config: ImageConfig, state: dict[str, Tensor], folder: Path) -> None:
    export_clip(config, state, folder / "0_CLIPModel")
    write_modules(folder, [("0_CLIPModel", "sentence_transformers.models.CLIPModel")])


def write_modules(folder: Path, modules: list[tuple[str, str]]) -> None:
    listed = [{"idx": i, "name": str(i), "path": path, "type": kind} for i, (path, kind) in enumerate(modules)]
    write_json(folder / "modules.json", listed)


def export_clip(config: ImageConfig, state: dict[str, Tensor], folder: Path) -> None:
    vision = {
        "model_type": "clip_vision_model", "hidden_size": config.width, "intermediate_size": config.mlp,
        "num_hidden_layers": config.layers, "num_attention_heads": config.heads, "image_size": config.image_size,
        "patch_size": config.patch_size, "num_channels": 3, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
        "projection_dim": config.projection,
    }  # fmt: skip
    clip = {"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": config.projection}
    write_json(folder / "config.json", clip | {"vision_config": vision, "dtype": "float16"})
    size = config.image_size
    preprocessor = {
        "do_resize": True, "size": size, "do_center_crop": True, "crop_size": size, "resample": 3, "do_normalize": True,
        "do_convert_rgb": True, "image_mean": list(MEAN), "image_std": list(STD), "background": BACKGROUND,
    }  # fmt: skip
    write_json(folder / "preprocessor_config.json", preprocessor)
    save_file(image_tensors(state), folder / "model.safetensors", metadata={"format": "pt"})


def export_text(config: TextConfig, state: dict[str, Tensor], tokenizer: Path, folder: Path) -> None:
    parts = ["", "1_Pooling", "2_Dense", *(["3_Dense"] if config.head else [])]
    write_modules(folder, export_distilbert(config, state, folder, parts))
    export_tokenizer(tokenizer, config, folder)


def export_distilbert(
    config: TextConfig, state: dict[str, Tensor], folder: Path, parts: list[str], in_bytes: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    """Writes transformer, pooling and dense layers into the folders `parts` of `folder` and gives them as modules."""
    transformer, pooling, *denses = parts
    distilbert = {
        "architectures": ["DistilBertModel"], "model_type": "distilbert", "vocab_size": config.vocabulary, "dim": config.width,
        "hidden_dim": config.mlp, "n_layers": config.layers, "n_heads": config.heads,
        "max_position_embeddings": config.positions, "activation": "gelu", "sinusoidal_pos_embds": False, "pad_token_id": 0,
        "dtype": "float16",
    }  # fmt: skip
    write_json(folder / transformer / "config.json", distilbert)
    rows.save(text_tensors(state), folder / transformer / "model.safetensors", in_bytes)
    write_json(folder / pooling / "config.json", {
        "word_embedding_dimension": config.width, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False,
    })  # fmt: skip
    if config.head:
        export_dense(folder / denses[0], state["expand.weight"], state["expand.bias"], "torch.nn.modules.activation.GELU")
    export_dense(folder / denses[-1], state["dense.weight"], None, "torch.nn.modules.linear.Identity")
    kinds = ["Transformer", "Pooling", *["Dense"] * len(denses)]
    return [(path, f"sentence_transformers.models.{kind}") for path, kind in zip(parts, kinds)]


def export_tokenizer(tokenizer: Path, config: TextConfig, folder: Path) -> None:
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": config.positions, "do_lower_case": False})
    write_json(folder / "tokenizer_config.json", {
        "do_lower_case": False, "strip_accents": None, "tokenize_chinese_chars": True, "model_max_length": config.positions,
        "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]",
        "tokenizer_class": "DistilBertTokenizer",
    })  # fmt: skip
    shutil.copyfile(tokenizer, folder / "tokenizer.json")


def export_dense(folder: Path, weight: Tensor, bias: Tensor | None, activation: str) -> None:
    outputs, inputs = weight.shape
    shape = {"in_features": inputs, "out_features": outputs, "bias": bias is not None}
    write_json(folder / "config.json", shape | {"activation_function": activation})
    tensors = {"linear.weight": weight} | ({} if bias is None else {"linear.bias": bias})
    save_file({k: v.half().contiguous() for k, v in tensors.items()}, folder / "model.safetensors", metadata={"format": "pt"})


@torch.no_grad()
def largest_difference(folder: Path) -> float:
    """Loads the exported files with transformers and with these towers; the largest difference between unit vectors."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection, DistilBertConfig, DistilBertModel

    from .warm import load_image_state, load_text

    config = json.loads((folder / "image/0_CLIPModel/config.json").read_text())["vision_config"]
    theirs = CLIPVisionModelWithProjection(CLIPVisionConfig(**config)).eval()
    missing, extra = theirs.load_state_dict(
        {k: v.float() for k, v in load_file(folder / "image/0_CLIPModel/model.safetensors").items()}, strict=False
    )
    assert not extra and all("position_ids" in k for k in missing), (missing, extra)
    ours = ImageTower(ImageConfig(
        config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"], config["intermediate_size"],
        config["image_size"], config["patch_size"], config["projection_dim"],
    )).eval()  # fmt: skip
    ours.load_state_dict(load_image_state(folder))
    pixels = torch.randn(4, 3, config["image_size"], config["image_size"])
    worst = unit_difference(ours(pixels), theirs(pixel_values=pixels).image_embeds)

    tower, tokenizer = load_text(folder)
    bert = DistilBertModel(DistilBertConfig(**json.loads((folder / "text/config.json").read_text()))).eval().float()
    bert.load_state_dict({k: v.float() for k, v in load_file(folder / "text/model.safetensors").items()})
    for text in ("cat", "eine rote Rose", "生日蛋糕", "قطة"):
        ids = torch.tensor([tokenizer.encode(text).ids])
        pooled = bert(ids, attention_mask=torch.ones_like(ids)).last_hidden_state.mean(1)
        worst = max(worst, unit_difference(tower(ids, torch.ones_like(ids)), tower.dense(pooled)))
    return worst


def unit_difference(a: Tensor, b: Tensor) -> float:
    return (F.normalize(a, dim=-1) - F.normalize(b, dim=-1)).abs().max().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--image", type=Path, required=True, help="image.pt")
    parser.add_argument("--text", type=Path, required=True, help="text.pt")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--no-check", action="store_true", help="do not compare with the transformers library")
    args = parser.parse_args()
    config, state = tower_of(args.image)
    export_image(ImageConfig(**config), state, args.out / "image")
    config, state = tower_of(args.text)
    export_text(TextConfig(**config), state, args.data / "tokenizer.json", args.out / "text")
    size = sum(p.stat().st_size for part in ("image", "text") for p in (args.out / part).rglob("*") if p.is_file())
    for file in args.out.rglob("*.safetensors"):
        file.chmod(0o644)  # safetensors writes 0600
    print(f"{args.out}: {size:,} bytes (limit {LIMIT_BYTES:,})")
    assert size <= LIMIT_BYTES, "too large"
    if not args.no_check:
        worst = largest_difference(args.out)
        print(f"largest difference from transformers: {worst:.1e}")
        assert worst < 1e-4


if __name__ == "__main__":
    main()
