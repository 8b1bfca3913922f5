"""What people write by hand: sentence-transformers behind Flask, with the same two routes, for comparison.

Usage: python flask_service.py IMAGE_CHECKPOINT TEXT_CHECKPOINT PORT
"""

import base64
import io
import logging
import sys

from flask import Flask, jsonify, request
from PIL import Image
from sentence_transformers import SentenceTransformer
from waitress import serve

image_model = SentenceTransformer(sys.argv[1], device="cpu")
text_model = SentenceTransformer(sys.argv[2], device="cpu")
app = Flask(__name__)


def reply(vector):
    return jsonify(success=True, dimensions=len(vector), embedding=[float(value) for value in vector])


@app.post("/encode_text")
def encode_text():
    return reply(text_model.encode(request.json["text"], normalize_embeddings=True))


@app.post("/encode_image")
def encode_image():
    picture = Image.open(io.BytesIO(base64.b64decode(request.json["image_b64"])))
    return reply(image_model.encode(picture, normalize_embeddings=True))


@app.get("/health")
def health():
    return jsonify(status="healthy")


if __name__ == "__main__":
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is the point of the exercise
    serve(app, host="127.0.0.1", port=int(sys.argv[3]), threads=4)
