"""Pillow as the reference: prints the pixels that it makes of each file it is given (pip install numpy pillow pillow-heif).

Standard input holds frames: the length of a file as four bytes, big-endian, one byte that is 1 where transparent pictures
lie over white, and the file. Standard output answers each with a length and size * size * 3 bytes, or with a length of 0
where Pillow refuses the file.
"""

import io
import struct
import sys
import warnings

import numpy as np
import pillow_heif
from PIL import Image, ImageOps

warnings.simplefilter("ignore")
pillow_heif.register_heif_opener()
SIZE = 16
MOST_PIXELS = 4_000_000


def upright_rgb(file, background=None):
    """The first frame as 8-bit RGB: alpha is dropped, or laid over a background; 16-bit grey keeps its high byte."""
    image = Image.open(io.BytesIO(file))
    if image.width * image.height > MOST_PIXELS:
        raise ValueError("too large")
    image = ImageOps.exif_transpose(image)
    transparent = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    if image.mode.startswith("I;16"):  # Pillow clips at 255
        clear = image.info.get("transparency")
        alpha = Image.fromarray((np.asarray(image) != clear).astype(np.uint8) * 255) if clear is not None else None
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        if background and alpha:
            image = Image.merge("LA", (image, alpha))
    if image.mode == "La":  # Pillow has no way from this mode to RGB but this one
        image = image.convert("LA")
    if background and transparent:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (*background, 255)), image)
    return image.convert("RGB")


def square(image, size=SIZE):
    """The shortest side resized to `size`, then the centre: size * size * 3 bytes."""
    width, height = image.size
    longest = int(size * max(width, height) / min(width, height))
    width, height = (size, longest) if width <= height else (longest, size)
    left, top = (width - size) // 2, (height - size) // 2
    if max(width, height) > 20_000:
        raise ValueError("too long")
    pixels = np.asarray(image.resize((width, height), Image.BICUBIC))
    return pixels[top : top + size, left : left + size].tobytes()


def reference(file, background=None):
    """What the service should give, or None where Pillow refuses the file."""
    try:
        return square(upright_rgb(file, background))
    except Exception:  # whatever a plugin of Pillow throws at a broken file
        return None


def serve():
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(5):
        length, white = struct.unpack(">IB", head)
        pixels = reference(source.read(length), (255, 255, 255) if white else None) or b""
        sink.write(struct.pack(">I", len(pixels)) + pixels)
        sink.flush()


if __name__ == "__main__":
    serve()
