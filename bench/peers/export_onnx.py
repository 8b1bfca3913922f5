"""Exports both towers of a pair for Transformers.js, which runs ONNX files that somebody has exported with PyTorch.

Usage: python export_onnx.py IMAGE_CHECKPOINT TEXT_CHECKPOINT OUT
"""

import shutil
import sys
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from transformers import CLIPVisionModelWithProjection

image_dir, text_dir, out = (Path(argument) for argument in sys.argv[1:])


class Vision(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = CLIPVisionModelWithProjection.from_pretrained(image_dir / "0_CLIPModel", attn_implementation="eager")

    def forward(self, pixel_values):
        return self.model(pixel_values=pixel_values).image_embeds


class Sentence(torch.nn.Module):
    """Transformer, mean and dense layer in one graph, so that JavaScript has nothing left to do."""

    def __init__(self):
        super().__init__()
        model = SentenceTransformer(str(text_dir), device="cpu", model_kwargs={"attn_implementation": "eager"})
        self.transformer, self.dense = model[0].auto_model, model[2].linear

    def forward(self, input_ids, attention_mask):
        tokens = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(tokens.dtype)
        return self.dense((tokens * mask).sum(1) / mask.sum(1))


def export(model, inputs, path, outputs):
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(inputs)
    axes = {name: {0: "batch", **({1: "tokens"} if value.dim() == 2 else {})} for name, value in inputs.items()}
    torch.onnx.export(
        model.eval(), tuple(inputs.values()), str(path), input_names=names, output_names=outputs, dynamic_axes=axes,
        opset_version=17, dynamo=False,
    )


def copy(source, target, names):
    for name in names:
        shutil.copyfile(source / name, target / name)


image, text = out / "image", out / "text"
export(Vision(), {"pixel_values": torch.rand(2, 3, 224, 224)}, image / "onnx/vision_model.onnx", ["image_embeds"])
copy(image_dir / "0_CLIPModel", image, ["config.json", "preprocessor_config.json"])
ids = torch.randint(1000, 20_000, (2, 16))
export(
    Sentence(), {"input_ids": ids, "attention_mask": torch.ones_like(ids)}, text / "onnx/model.onnx", ["embedding"]
)
copy(text_dir, text, ["config.json", "tokenizer.json", "tokenizer_config.json"])
