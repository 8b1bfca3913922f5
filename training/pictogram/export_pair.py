"""Writes the pair: both image towers, the gate and both text towers, fp16 safetensors in the sentence-transformers layout. The
last convolutions and the tables of words are bytes with an fp16 scale a row, which costs nothing and takes half of the room.

image/config.json and model.safetensors hold the gate and the class vectors, image/1_CLIPModel the transformer for drawings as
sentence-transformers writes a CLIP, image/2_EfficientNetLite the classifier of photographs with its normalisation folded in.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from . import rows
from .export import export_clip, export_distilbert, export_tokenizer, write_json, write_modules
from .features import Features
from .gate import drawing_features, fit_gate, photograph_features
from .image_pair import ImagePair, PairConfig
from .lite import LiteConfig, LiteTower, Stage, pretrained
from .photographs import gcompris
from .pictures import load_pictures
from .space import load_space
from .towers import ImageConfig, ImageTower, TextConfig
from .training import tower_of
from .warm import load_image_state

LIMIT_BYTES = 28_000_000
CLIP, LITE = "1_CLIPModel", "2_EfficientNetLite"
DRAWINGS = 3000  # that the gate is fitted on
DRAWINGS_WEIGHT = 2.1  # of v in a text's vector: cosines with u are larger, and a half of a drawing's vector is u's by mistake


# Nearly half of the classifier's weights, and those whose rounding costs least: earlier ones as bytes mislead the gate.
LATE_CONVOLUTIONS = ("blocks.15.project_conv.weight", "conv_head.weight", "fc.weight")


def export_lite(tower: LiteTower, folder: Path) -> None:
    config = tower.config
    stages = [
        {"blocks": s.blocks, "kernel_size": s.kernel, "stride": s.stride, "expand_ratio": s.expansion, "width": s.width}
        for s in config.stages
    ]
    write_json(folder / "config.json", {
        "model_type": "efficientnet-lite", "hidden_act": "relu6", "image_size": config.image_size, "image_mean": config.mean,
        "image_std": config.std, "stem_width": config.stem, "stages": stages, "head_width": config.head,
        "num_classes": config.classes, "dtype": "float16",
    })  # fmt: skip
    rows.save(tower.state_dict(), folder / "model.safetensors", in_bytes=LATE_CONVOLUTIONS)


def export_images(pair: ImagePair, folder: Path) -> None:
    config = pair.config
    write_json(folder / "config.json", {
        "model_type": "gated-pair", "image_size": config.image_size, "photograph_dim": config.u,
        "temperature": config.temperature, "gate_floor": config.floor,
    })  # fmt: skip
    gate = {"class_vectors": pair.class_vectors, "gate.weight": pair.gate.weight, "gate.bias": pair.gate.bias}
    rows.save(gate, folder / "model.safetensors")
    export_clip(config.drawings, pair.drawings.state_dict(), folder / CLIP)
    export_lite(pair.photographs, folder / LITE)
    write_modules(folder, [
        ("", "image_text_encoder.GatedPair"), (CLIP, "sentence_transformers.models.CLIPModel"),
        (LITE, "image_text_encoder.EfficientNetLite"),
    ])  # fmt: skip


def export_texts(halves: list[tuple[TextConfig, dict[str, Tensor]]], tokenizer: Path, folder: Path) -> None:
    """The towers for photographs and for drawings, in this order."""
    write_json(folder / "config.json", {"model_type": "gated-pair-text", "drawings_weight": DRAWINGS_WEIGHT})
    modules = [("", "image_text_encoder.GatedPairText")]
    for config, state in halves:
        kinds = ["Transformer", "Pooling", *["Dense"] * (2 if config.head else 1)]
        parts = [f"{i}_{kind}" for i, kind in enumerate(kinds, len(modules))]
        modules += export_distilbert(config, state, folder, parts, in_bytes=("word_embeddings.weight",))
    write_modules(folder, modules)
    export_tokenizer(tokenizer, halves[0][0], folder)


def load_images(folder: Path) -> ImagePair:
    """The exported image towers."""
    config = json.loads((folder / "config.json").read_text())
    vision = json.loads((folder / CLIP / "config.json").read_text())["vision_config"]
    lite = json.loads((folder / LITE / "config.json").read_text())
    stages = tuple(Stage(s["blocks"], s["kernel_size"], s["stride"], s["expand_ratio"], s["width"]) for s in lite["stages"])
    pair = ImagePair(PairConfig(
        ImageConfig(
            vision["hidden_size"], vision["num_hidden_layers"], vision["num_attention_heads"], vision["intermediate_size"],
            vision["image_size"], vision["patch_size"], vision["projection_dim"],
        ),
        LiteConfig(stages, lite["stem_width"], lite["head_width"], lite["num_classes"], lite["image_size"], lite["image_mean"], lite["image_std"]),
        config["image_size"], config["photograph_dim"], config["temperature"], config["gate_floor"],
    ))  # fmt: skip
    state = rows.load(folder / "model.safetensors")
    state |= {f"drawings.{k}": v for k, v in load_image_state(folder, CLIP).items()}
    state |= {f"photographs.{k}": v for k, v in rows.load(folder / LITE / "model.safetensors").items()}
    pair.load_state_dict(state)
    return pair.eval()


@torch.no_grad()
def make_pair(args: argparse.Namespace) -> ImagePair:
    """The towers of stage 1 and of Google, the space of stage 3, and a gate that is fitted here."""
    space = load_space(args.space)
    drawings = drawing_tower(args)
    config = ImageConfig(**{**asdict(drawings.config), "projection": space.v_basis.shape[1]})
    pair = ImagePair(PairConfig(config, LiteConfig(), u=space.classes.shape[1])).eval()
    state = drawings.state_dict()
    state["visual_projection.weight"] = space.v_basis.T @ state["visual_projection.weight"]
    pair.drawings.load_state_dict(state)
    pair.photographs = pretrained()
    pair.class_vectors.copy_(space.classes)
    features = Features(args.data / "features")
    photographs = photograph_features(features, gcompris(args.outside))
    drawn = drawing_features(features, load_pictures(args.data, "pictures"), DRAWINGS)
    signs = pair.signs(photographs), pair.signs(drawn)
    with torch.enable_grad():
        pair.gate = fit_gate(*signs)
    return pair


def drawing_tower(args: argparse.Namespace) -> ImageTower:
    if args.warm:
        from .model import Model

        return Model(args.warm).image
    from .train_image import load_trained

    return load_trained(args.image).tower


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--outside", type=Path, required=True, help="folder with the unpacked Debian packages")
    parser.add_argument("--space", type=Path, required=True, help="space.pt")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--image", type=Path, help="image.pt of stage 1")
    source.add_argument("--warm", type=Path, help="an exported model of drawings, whose image tower is taken")
    parser.add_argument("--u", type=Path, required=True, help="u.pt, the text tower for photographs")
    parser.add_argument("--v", type=Path, required=True, help="v.pt, the text tower for drawings")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    export_images(make_pair(args), args.out / "image")
    halves = [(TextConfig(**config), state) for config, state in map(tower_of, (args.u, args.v))]
    export_texts(halves, args.data / "tokenizer.json", args.out / "text")
    files = [file for part in ("image", "text") for file in (args.out / part).rglob("*") if file.is_file()]
    for file in files:
        file.chmod(0o644)  # safetensors writes 0600
    size = sum(file.stat().st_size for file in files)
    print(f"{args.out}: {size:,} bytes (limit {LIMIT_BYTES:,})")
    assert size <= LIMIT_BYTES, "too large"


if __name__ == "__main__":
    main()
