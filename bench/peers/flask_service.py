"""What people write by hand: a library behind Flask, with the same two routes as the service, for comparison.

Usage: python flask_service.py sentence-transformers|faster-clip IMAGE_CHECKPOINT TEXT_CHECKPOINT PORT
"""

import base64
import io
import logging
import os
import sys
import tempfile
from pathlib import Path

from flask import Flask, jsonify, request
from waitress import serve


def sentence_transformers(image_dir, text_dir):
    from PIL import Image
    from sentence_transformers import SentenceTransformer

    image_model = SentenceTransformer(image_dir, device="cpu")
    text_model = SentenceTransformer(text_dir, device="cpu")

    def encode_image(data):
        return image_model.encode(Image.open(io.BytesIO(data)), normalize_embeddings=True)

    return lambda text: text_model.encode(text, normalize_embeddings=True), encode_image


def faster_clip(image_dir, text_dir):
    """Its models have fixed names. Its cache finds the checkpoints under these names, so that nothing is downloaded."""
    cache = Path(tempfile.mkdtemp(prefix="faster-clip-"))
    for name, folder in (("clip-ViT-B-32", image_dir), ("clip-ViT-B-32-multilingual-v1", text_dir)):
        (cache / f"sentence-transformers__{name}").symlink_to(Path(folder).resolve())
    os.environ["FASTER_CLIP_CACHE"] = str(cache)
    from faster_clip import ClipModel

    model = ClipModel()
    return lambda text: model.encode_text([text])[0], lambda data: model.encode_image([data])[0]


libraries = {"sentence-transformers": sentence_transformers, "faster-clip": faster_clip}
library, image_checkpoint, text_checkpoint, port = sys.argv[1:]
embed_text, embed_image = libraries[library](image_checkpoint, text_checkpoint)
app = Flask(__name__)


def reply(vector):
    return jsonify(success=True, dimensions=len(vector), embedding=[float(value) for value in vector])


@app.post("/encode_text")
def encode_text():
    return reply(embed_text(request.json["text"]))


@app.post("/encode_image")
def encode_image():
    return reply(embed_image(base64.b64decode(request.json["image_b64"])))


@app.get("/health")
def health():
    return jsonify(status="healthy")


if __name__ == "__main__":
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is the point of the exercise
    serve(app, host="127.0.0.1", port=int(port), threads=4)
