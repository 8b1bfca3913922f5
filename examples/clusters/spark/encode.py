"""Encodes a folder of pictures with Spark: encode.py FOLDER OUT "WORDS"."""

import base64
import os
import sys

import pyarrow
import requests
from pyspark.sql import SparkSession
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

service = os.environ.get("SERVICE_URL", "http://localhost:5555")
headers = {"x-api-key": os.environ.get("API_KEY", "")}
columns = "path string, vector array<float>, error string"


def encode(batches):
    session = requests.Session()  # one for each task, which keeps its connection
    again = Retry(8, backoff_factor=0.5, status_forcelist=[429, 502, 503, 504], allowed_methods=None)
    session.mount("http", HTTPAdapter(max_retries=again))  # It waits as long as retry-after says.
    for batch in batches:
        images = [{"b64": base64.b64encode(content).decode()} for content in batch["content"].to_pylist()]
        request = {"images": images, "on_error": "null"}  # A bad picture does not fail its batch.
        reply = session.post(f"{service}/encode_image", json=request, headers=headers, timeout=120)
        if not reply.ok:
            raise ValueError(reply.json()["error"])
        answer = reply.json()
        errors = {error["index"]: error["error"] for error in answer["errors"]}
        vectors = pyarrow.array(answer["embeddings"], pyarrow.list_(pyarrow.float32()))
        reasons = pyarrow.array([errors.get(i) for i in range(len(images))], pyarrow.string())
        names = ["path", "vector", "error"]
        yield pyarrow.RecordBatch.from_arrays([batch["path"], vectors, reasons], names=names)


if __name__ == "__main__":
    folder, out, words = sys.argv[1:]
    spark = (
        SparkSession.builder.appName("encode")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", 32)  # pictures a request
        .getOrCreate()
    )
    files = spark.read.format("binaryFile").load(folder).select("path", "content").repartition(2)
    files.mapInArrow(encode, columns).write.mode("overwrite").parquet(out)
    rows = spark.read.parquet(out).where("error is null").collect()
    text = requests.post(f"{service}/encode_text", json={"text": words}, headers=headers, timeout=60).json()
    cosines = [sum(a * b for a, b in zip(row.vector, text["embedding"])) for row in rows]
    best = max(range(len(rows)), key=cosines.__getitem__)
    print(f"{len(rows)} vectors; {cosines[best]:.3f} {rows[best].path}")
