"""Opens outputs of bulk runs in the tools that people use them with. scripts/test-readers.sh runs it.

Usage: readers.py OUTPUT_FOLDER [INDEX_FOLDER], where the output folder has one folder for each format.
"""

import json
import sys
from pathlib import Path

import faiss
import lancedb
import numpy as np
import pandas as pd
import pyarrow.dataset as dataset
import pyarrow.parquet as parquet

outputs = Path(sys.argv[1])
parts = sorted((outputs / "npy/img_emb").glob("*.npy"), key=lambda path: int(path.stem.split("_")[-1]))
vectors = np.concatenate([np.load(path) for path in parts])
metadata = pd.concat([pd.read_parquet(outputs / f"npy/metadata/metadata_{n}.parquet") for n in range(len(parts))])
assert vectors.dtype == np.float32 and len(vectors) == len(metadata) > 0
assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
assert list(metadata.columns)[:2] == ["image_path", "key"]
print(f"numpy, pandas: {len(vectors)} vectors of {vectors.shape[1]} in {len(parts)} parts")

halves = np.concatenate([np.load(outputs / "float16/img_emb" / path.name) for path in parts])
assert halves.dtype == np.float16 and np.array_equal(halves, vectors.astype(np.float16))
print("numpy: float16 is float32 rounded as numpy rounds")

table = dataset.dataset([str(path) for path in sorted((outputs / "parquet").glob("*.parquet"))]).to_table()
field = table.schema.field("embedding").type
assert field.list_size == vectors.shape[1], field
by_key = {key: vector for key, vector in zip(metadata["key"], vectors)}
for key, vector in zip(table["key"].to_pylist(), table["embedding"].to_pylist()):
    assert np.array_equal(np.array(vector, np.float32), by_key[key])
assert parquet.read_metadata(outputs / "parquet/part_0.parquet").num_rows > 0
print(f"pyarrow: {table.num_rows} rows of parquet with a {field}")

lines = [json.loads(line) for path in (outputs / "jsonl").glob("*.jsonl") for line in open(path, encoding="utf-8")]
assert len(lines) == len(vectors)
for line in lines:
    assert np.array_equal(np.array(line["embedding"], np.float32), by_key[line["key"]])
print(f"json: {len(lines)} lines, each number the same float32")

rows = lancedb.connect(outputs / "lance").open_table("embeddings")
assert rows.count_rows() == len(vectors)
for row in rows.to_arrow().to_pylist():
    assert np.array_equal(np.array(row["embedding"], np.float32), by_key[row["key"]])
nearest = rows.search(vectors[0]).metric("dot").limit(1).to_list()[0]
assert nearest["key"] == metadata["key"].iloc[0]
print("lancedb: the same rows; the nearest of a picture is itself")

index = faiss.IndexFlatIP(vectors.shape[1])
index.add(vectors)
_, found = index.search(vectors, 1)
assert (found[:, 0] == np.arange(len(vectors))).mean() > 0.99
print("faiss: the nearest of each picture is itself")

from autofaiss import build_index  # noqa: E402, since it is slow to import and prints

built, _ = build_index(str(outputs / "npy/img_emb"), save_on_disk=False, metric_type="ip", max_index_memory_usage="1G")
assert built.ntotal == len(vectors)
print(f"autofaiss: an index of {built.ntotal} vectors")
