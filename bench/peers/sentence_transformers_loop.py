"""Encodes the pictures of a folder as sentence-transformers' documentation does, and prints pictures a second.

Usage: sentence_transformers_loop.py MODEL FOLDER TURNS
"""

import json
import sys
import time
from pathlib import Path

from PIL import Image
from sentence_transformers import SentenceTransformer

model = SentenceTransformer(sys.argv[1], device="cpu")
files = sorted(Path(sys.argv[2]).iterdir())
rates = []
for _ in range(int(sys.argv[3])):
    started = time.perf_counter()
    for at in range(0, len(files), 128):
        model.encode([Image.open(file) for file in files[at : at + 128]], batch_size=32)
    rates.append(len(files) / (time.perf_counter() - started))
print(json.dumps(rates))
