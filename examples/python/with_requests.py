"""Searches a folder of pictures with requests and numpy alone: with_requests.py FOLDER "WORDS"."""

import os
import pathlib
import sys

import numpy
import requests

service = os.environ.get("SERVICE_URL", "http://localhost:5555")
session = requests.Session()  # It keeps the connection open from one picture to the next.
session.headers["x-api-key"] = os.environ.get("API_KEY", "")


def ask(path, **content):
    reply = session.post(service + path, timeout=60, **content)
    if not reply.ok:
        raise ValueError(reply.json()["error"])  # The service's own sentence says what is wrong.
    return reply.json()["embedding"]


def encode_picture(path):
    return ask("/encode_image", data=path.read_bytes(), headers={"content-type": "application/octet-stream"})


folder, words = sys.argv[1:]
suffixes = {".jpg", ".jpeg", ".png", ".webp"}
paths = sorted(path for path in pathlib.Path(folder).iterdir() if path.suffix.lower() in suffixes)
pictures = numpy.array([encode_picture(path) for path in paths], dtype=numpy.float32)  # pictures x dimensions
cosines = pictures @ numpy.array(ask("/encode_text", json={"text": words}), dtype=numpy.float32)
for i in cosines.argsort()[::-1][:5]:
    print(f"{cosines[i]:.3f}", paths[i])
