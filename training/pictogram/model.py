"""An exported model, read from its files alone, with the two functions that evaluation needs."""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from .pictures import preprocess
from .towers import ImageConfig, ImageTower
from .warm import IMAGE_FOLDER, encode_texts, load_image_state, load_text


class Model:
    def __init__(self, folder: Path):
        config = json.loads((folder / IMAGE_FOLDER / "config.json").read_text())["vision_config"]
        self.image_size: int = config["image_size"]
        self.image = ImageTower(
            ImageConfig(
                width=config["hidden_size"],
                layers=config["num_hidden_layers"],
                heads=config["num_attention_heads"],
                mlp=config["intermediate_size"],
                image_size=config["image_size"],
                patch_size=config["patch_size"],
                projection=config["projection_dim"],
            )
        ).eval()
        self.image.load_state_dict(load_image_state(folder))
        self.text, self.tokenizer = load_text(folder)

    @torch.no_grad()
    def encode_images(self, pictures: list[Image.Image]) -> Tensor:
        """Opaque RGB pictures -> unit embeddings [N, 512]."""
        views = torch.stack([preprocess(p, self.image_size) for p in pictures])
        return F.normalize(torch.cat([self.image(part) for part in views.split(256)]), dim=-1)

    def encode_texts(self, texts: list[str]) -> Tensor:
        """Unit embeddings [N, 512]."""
        return encode_texts(self.text, self.tokenizer, texts)
