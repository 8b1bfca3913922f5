"""The towers as PyTorch runs them, without a service: reads "image|text float32|bfloat16 BATCH TOKENS" lines, runs that
batch once for each, and prints the milliseconds it took.

    python torch_engine.py IMAGE_DIR TEXT_DIR THREADS
"""

import sys
import time

import torch
from transformers import CLIPVisionModelWithProjection, DistilBertModel

image_dir, text_dir, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
towers = {
    (name, dtype): model.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
    for name, model, folder in (
        ("image", CLIPVisionModelWithProjection, f"{image_dir}/0_CLIPModel"),
        ("text", DistilBertModel, text_dir),
    )
    for dtype in ("float32", "bfloat16")
}


@torch.inference_mode()
def run(name: str, dtype: str, batch: int, tokens: int) -> float:
    """Milliseconds of one batch."""
    tower = towers[name, dtype]
    if name == "image":
        inputs = {"pixel_values": torch.rand(batch, 3, 224, 224, dtype=getattr(torch, dtype))}
    else:
        ids = torch.randint(1000, 20_000, (batch, tokens))
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    started = time.perf_counter()
    tower(**inputs)
    return (time.perf_counter() - started) * 1000


print("ready", flush=True)
for line in sys.stdin:
    name, dtype, batch, tokens = line.split()
    print(run(name, dtype, int(batch), int(tokens)), flush=True)
