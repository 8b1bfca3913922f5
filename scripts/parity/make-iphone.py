"""Writes bench/iphone.heic: 12 megapixels in 48 tiles as iPhones lay them out, all with the data of one tile."""

from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image

import heic

pillow_heif.register_heif_opener()
random = np.random.default_rng(1)
coarse = Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).resize((512, 512), Image.BICUBIC)
grain = np.asarray(coarse).astype(np.int16) + random.normal(0, 4, (512, 512, 1)).astype(np.int16)
tile = heic.encoded(Image.fromarray(np.clip(grain, 0, 255).astype(np.uint8)), quality=60)
canvas = Image.new("RGB", (4032, 3024))
file = heic.grid(canvas, 512, rotation=3, encode=lambda part: tile, shared=True)
(Path(__file__).parent.parent.parent / "bench" / "iphone.heic").write_bytes(file)
