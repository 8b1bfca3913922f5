#!/usr/bin/env bash
# Opens outputs of `encode` with numpy, pandas, pyarrow, faiss, autofaiss and LanceDB's Python client, in a virtual
# environment of its own. It needs Python 3.10 or later with venv, and PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet -r scripts/readers-requirements.txt

for format in npy parquet jsonl lance; do
  node bin/image-text-encoder encode web/public/gallery --out "$work/out/$format" --format "$format" --part-size 100
done
node bin/image-text-encoder encode web/public/gallery --out "$work/out/float16" --dtype float16 --part-size 100
"$work/venv/bin/python" scripts/readers.py "$work/out"
