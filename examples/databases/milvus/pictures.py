"""Searches a folder of pictures by words or by a picture, with Milvus. README.md has the calls."""

import itertools
import json
import os
import pathlib
import re
import sys
import urllib.error
import urllib.request

from pymilvus import DataType, MilvusClient

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
collection = re.sub(r"\W", "_", f"pictures_{info['model']}")  # Vectors of two models never meet in one collection.
database = MilvusClient(os.environ.get("MILVUS_URI", "pictures.db"))


def index(folder):
    if not database.has_collection(collection):
        schema = database.create_schema()
        schema.add_field("path", DataType.VARCHAR, is_primary=True, max_length=4096)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=info["dimensions"])
        indexes = database.prepare_index_params()
        indexes.add_index("vector", index_type="AUTOINDEX", metric_type="COSINE")
        database.create_collection(collection, schema=schema, index_params=indexes)
    rows = ({"path": str(path), "vector": vector} for path, vector in encode_folder(folder))
    while batch := list(itertools.islice(rows, 64)):
        database.upsert(collection, batch)


def search(vector):
    """Prints the five nearest pictures with their cosines."""
    database.load_collection(collection)
    for hit in database.search(collection, [vector], limit=5, output_fields=["path"])[0]:
        print(f"{hit['distance']:.3f}", hit["entity"]["path"])


match sys.argv[1:]:
    case ["index", folder]:
        index(folder)
    case ["words", text]:
        search(encode_words(text))
    case ["picture", path]:
        search(encode_picture(path))
    case _:
        sys.exit('usage: pictures.py index FOLDER | words "TEXT" | picture FILE')
