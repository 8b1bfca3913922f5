"""Encodes a folder of pictures with Daft: encode.py FOLDER OUT "WORDS"."""

import base64
import os
import sys

import daft
import requests
from daft import DataType
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

service = os.environ.get("SERVICE_URL", "http://localhost:5555")
headers = {"x-api-key": os.environ.get("API_KEY", "")}
result = DataType.struct({"vector": DataType.list(DataType.float32()), "error": DataType.string()})


@daft.cls(max_concurrency=2)
class Encode:
    def __init__(self):  # once for each worker, which keeps its connection
        self.session = requests.Session()
        again = Retry(8, backoff_factor=0.5, status_forcelist=[429, 502, 503, 504], allowed_methods=None)
        self.session.mount("http", HTTPAdapter(max_retries=again))  # It waits as long as retry-after says.

    @daft.method.batch(return_dtype=result, batch_size=32)
    def __call__(self, pictures):
        images = [{"b64": base64.b64encode(content).decode()} for content in pictures.to_pylist()]
        request = {"images": images, "on_error": "null"}  # A bad picture does not fail its batch.
        reply = self.session.post(f"{service}/encode_image", json=request, headers=headers, timeout=120)
        if not reply.ok:
            raise ValueError(reply.json()["error"])
        answer = reply.json()
        errors = {error["index"]: error["error"] for error in answer["errors"]}
        return [{"vector": vector, "error": errors.get(i)} for i, vector in enumerate(answer["embeddings"])]


if __name__ == "__main__":
    folder, out, words = sys.argv[1:]
    files = daft.from_glob_path(os.path.join(os.path.abspath(folder), "*.webp")).select("path")
    answers = files.with_column("answer", Encode()(files["path"].download()))
    done = answers.select("path", answers["answer"]["vector"], answers["answer"]["error"])
    done.write_parquet(out, write_mode="overwrite")
    rows = [row for row in daft.read_parquet(out).to_pylist() if row["error"] is None]
    text = requests.post(f"{service}/encode_text", json={"text": words}, headers=headers, timeout=60).json()
    cosines = [sum(a * b for a, b in zip(row["vector"], text["embedding"])) for row in rows]
    best = max(range(len(rows)), key=cosines.__getitem__)
    print(f"{len(rows)} vectors; {cosines[best]:.3f} {rows[best]['path']}")
