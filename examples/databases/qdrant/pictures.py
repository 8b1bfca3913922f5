"""Searches a folder of pictures by words or by a picture, with Qdrant. README.md has the calls."""

import json
import os
import pathlib
import sys
import urllib.error
import urllib.request
import uuid

from qdrant_client import QdrantClient, models

service = os.environ.get("SERVICE_URL", "http://localhost:5555")
suffixes = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif", ".heic"}


def ask(path, body=None, content_type="application/json"):
    """Asks the service, and raises its own sentence when it refuses."""
    try:
        request = urllib.request.Request(service + path, body, {"content-type": content_type})
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        raise ValueError(json.load(error)["error"]) from None


def encode_words(text):
    return ask("/encode_text", json.dumps({"text": text}).encode())["embedding"]


def encode_picture(path):
    return ask("/encode_image", pathlib.Path(path).read_bytes(), "application/octet-stream")["embedding"]


def encode_folder(folder):
    """Yields a path and its vector; a file that is no picture gets a line on the terminal instead."""
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.suffix.lower() in suffixes:
            try:
                yield path, encode_picture(path)
            except ValueError as error:
                print(path, error, file=sys.stderr)


info = ask("/info")
collection = f"pictures_{info['model']}"  # Vectors of two models never meet in one collection.
url = os.environ.get("QDRANT_URL")
database = QdrantClient(url=url) if url else QdrantClient(path="pictures.db")


def index(folder):
    if not database.collection_exists(collection):
        vectors = models.VectorParams(size=info["dimensions"], distance=models.Distance.COSINE)
        database.create_collection(collection, vectors_config=vectors)
    points = (
        # An id is a UUID or a number, so it is made of the path: indexing again replaces.
        models.PointStruct(id=str(uuid.uuid5(uuid.NAMESPACE_URL, str(path))), vector=vector, payload={"path": str(path)})
        for path, vector in encode_folder(folder)
    )
    database.upload_points(collection, points, batch_size=64)


def search(vector):
    """Prints the five nearest pictures with their cosines."""
    for point in database.query_points(collection, query=vector, limit=5).points:
        print(f"{point.score:.3f}", point.payload["path"])


match sys.argv[1:]:
    case ["index", folder]:
        index(folder)
    case ["words", text]:
        search(encode_words(text))
    case ["picture", path]:
        search(encode_picture(path))
    case _:
        sys.exit('usage: pictures.py index FOLDER | words "TEXT" | picture FILE')
database.close()
