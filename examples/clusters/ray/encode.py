"""Encodes a folder of pictures with Ray Data: encode.py FOLDER OUT "WORDS"."""

import base64
import os
import sys

import numpy
import ray
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

service = os.environ.get("SERVICE_URL", "http://localhost:5555")
headers = {"x-api-key": os.environ.get("API_KEY", "")}


class Encode:
    def __init__(self):  # once for each worker, which keeps its connection
        self.session = requests.Session()
        again = Retry(8, backoff_factor=0.5, status_forcelist=[429, 502, 503, 504], allowed_methods=None)
        self.session.mount("http", HTTPAdapter(max_retries=again))  # It waits as long as retry-after says.

    def __call__(self, batch):
        images = [{"b64": base64.b64encode(content).decode()} for content in batch["bytes"]]
        request = {"images": images, "on_error": "null"}  # A bad picture does not fail its batch.
        reply = self.session.post(f"{service}/encode_image", json=request, headers=headers, timeout=120)
        if not reply.ok:
            raise ValueError(reply.json()["error"])
        answer = reply.json()
        errors = {error["index"]: error["error"] for error in answer["errors"]}
        nothing = [0.0] * answer["dimensions"]
        vectors = [vector or nothing for vector in answer["embeddings"]]
        return {
            "path": batch["path"],
            "vector": numpy.array(vectors, dtype=numpy.float32),
            "error": numpy.array([errors.get(i, "") for i in range(len(images))]),
        }


if __name__ == "__main__":
    folder, out, words = sys.argv[1:]
    files = ray.data.read_binary_files(os.path.abspath(folder), include_paths=True)
    done = files.map_batches(Encode, batch_size=32, batch_format="numpy", concurrency=2, num_cpus=0.5)
    done.write_parquet(os.path.abspath(out))
    rows = [row for row in ray.data.read_parquet(os.path.abspath(out)).take_all() if not row["error"]]
    text = requests.post(f"{service}/encode_text", json={"text": words}, headers=headers, timeout=60).json()
    cosines = [float(numpy.dot(row["vector"], text["embedding"])) for row in rows]
    best = max(range(len(rows)), key=cosines.__getitem__)
    print(f"{len(rows)} vectors; {cosines[best]:.3f} {rows[best]['path']}")
