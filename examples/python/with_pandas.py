"""Gives each row of a table its vector, and finds the nearest rows: with_pandas.py products.csv "WORDS"."""

import os
import sys

import numpy
import pandas
import requests

service = os.environ.get("SERVICE_URL", "http://localhost:5555")
batch = 256  # The service takes up to 2,048 texts at once; smaller requests share it better with others.


def encode(texts):
    """Gives one vector of unit length for each text, as rows of an array."""
    reply = requests.post(service + "/encode_text", json={"texts": list(texts)}, timeout=60)
    if not reply.ok:
        raise ValueError(reply.json()["error"])
    return numpy.array(reply.json()["embeddings"], dtype=numpy.float32)


def encode_column(column):
    """Encodes each different text once, however many rows have it, and gives a column of vectors."""
    texts = column.dropna().unique()
    batches = [encode(texts[start : start + batch]) for start in range(0, len(texts), batch)]
    return column.map(dict(zip(texts, numpy.concatenate(batches))))


file, words = sys.argv[1:]
products = pandas.read_csv(file)
products["vector"] = encode_column(products["title"])
products["cosine"] = numpy.stack(products["vector"]) @ encode([words])[0]
print(products.nlargest(5, "cosine")[["cosine", "title", "price"]].to_string(index=False, float_format="%.3f"))
products.drop(columns="cosine").to_pickle("products.pickle")  # to_parquet keeps vectors, too, where pyarrow is there.
