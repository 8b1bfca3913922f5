"""An exported model, read from its files alone, with the two functions that evaluation needs."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from .pictures import preprocess
from .towers import ImageConfig, ImageTower
from .warm import IMAGE_FOLDER, encode_texts, load_image_state, load_text


class Model:
    """`cache`: a folder in which the embeddings of pictures are kept, by the image towers' files and the name of the set."""

    def __init__(self, folder: Path, cache: Path | None = None):
        self.text, self.tokenizer = load_text(folder)
        self.cache, self.folder = cache, folder
        if (folder / "image/config.json").exists():
            from .export_pair import load_images
            from .features import in_batches
            from .runtime import compiled

            pair = load_images(folder / "image")
            size = pair.config.image_size
            run: list[Callable[[Tensor], Tensor]] = []

            def embed_batch(bytes_: Tensor) -> Tensor:
                features = run[0](bytes_)
                return pair.join(pair.mixture(features), pair.drawn(bytes_), features)

            @torch.no_grad()
            def embed(pictures: list[Image.Image]) -> Tensor:
                if not run:
                    run.append(compiled(pair.photographs, torch.zeros(2, 3, size, size)))
                return in_batches(pictures, embed_batch)

            self.embed = embed
        else:
            self.image = load_drawing_tower(folder)
            self.embed = self.embed_drawings

    @torch.no_grad()
    def embed_drawings(self, pictures: list[Image.Image]) -> Tensor:
        parts = []
        for at in range(0, len(pictures), 64):
            views = [preprocess(p, self.image.config.image_size) for p in pictures[at : at + 64]]
            parts.append(self.image(torch.stack(views)))
        return torch.cat(parts)

    def encode_images(self, pictures: list[Image.Image], name: str | None = None) -> Tensor:
        """Opaque RGB pictures -> unit embeddings [N, 512]. `name` of the set, if they may be kept."""
        file = self.cache / f"{name}-{self.fingerprint()}.pt" if self.cache and name else None
        if file and file.exists():
            return torch.load(file)
        embeddings = F.normalize(self.embed(pictures), dim=-1)
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.save(embeddings, file)
        return embeddings

    def fingerprint(self) -> str:
        files = sorted(p for p in (self.folder / "image").rglob("*") if p.is_file())
        return hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()[:12]

    def encode_texts(self, texts: list[str]) -> Tensor:
        """Unit embeddings [N, 512]."""
        return encode_texts(self.text, self.tokenizer, texts)


def load_drawing_tower(folder: Path) -> ImageTower:
    config = json.loads((folder / IMAGE_FOLDER / "config.json").read_text())["vision_config"]
    tower = ImageTower(
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
    tower.load_state_dict(load_image_state(folder))
    return tower
