"""A WordPiece vocabulary for all the captions, small enough for the size budget, in the layout of multilingual BERT."""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Iterator

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
RARE = 8  # weighted occurrences below which a character is not worth its rows of the embedding table
MORE = {"en": 4, "de": 2, "fr": 2, "es": 2, "zh": 2, "ja": 2, "hi": 2, "ar": 2, "ru": 2, "pt": 2}


def weighted_texts(captions: Path) -> Iterator[str]:
    for line in captions.open():
        row = json.loads(line)
        if row["kind"] == "wordnet":
            continue
        for _ in range((2 if row["kind"] == "name" else 1) * MORE.get(row["locale"], 1)):
            yield row["text"]


def build(captions: Path, size: int) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=False
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    characters = Counter(c for text in weighted_texts(captions) for c in tokenizer.normalizer.normalize_str(text))
    common = sum(count >= RARE for c, count in characters.items() if not c.isspace())
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=SPECIAL, limit_alphabet=common, min_frequency=2, show_progress=False
    )
    tokenizer.train_from_iterator(weighted_texts(captions), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--size", type=int, default=11800)
    parser.add_argument("--warm", type=Path, help="an earlier checkpoint, whose vocabulary is kept if it is of this size")
    args = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(args.warm / "text/tokenizer.json")) if args.warm else None
    if tokenizer is None or tokenizer.get_vocab_size() != args.size:
        tokenizer = build(args.data / "captions.jsonl", args.size)
    tokenizer.save(str(args.data / "tokenizer.json"), pretty=False)
    texts = [json.loads(line)["text"] for line in (args.data / "captions.jsonl").open()][::50]
    encoded = tokenizer.encode_batch(texts)
    pieces = sum(len(e.ids) for e in encoded) / len(encoded)
    unknown = sum(1 in e.ids for e in encoded) / len(encoded)
    print(f"{tokenizer.get_vocab_size()} pieces, {pieces:.1f} a text with [CLS] and [SEP], {100 * unknown:.2f} % of texts with [UNK]")


if __name__ == "__main__":
    main()
