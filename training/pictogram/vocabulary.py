"""The tokenizer: what it makes equal before it cuts, and a WordPiece vocabulary that fits the size budget.

Compatible forms (full width, ligatures, composed and decomposed accents), capitals, variation selectors and skin tones are made
equal. Every emoji is a word of its own, so that one in a text is understood as the concept that it stands for.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from .imagenet import load_classes
from .pictures import load_concepts

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
RARE = 8  # weighted occurrences below which a character is not worth its rows of the embedding table
MORE = {"en": 4, "de": 2, "fr": 2, "es": 2, "zh": 2, "ja": 2, "hi": 2, "ar": 2, "ru": 2, "pt": 2}
IGNORED = Regex(r"[\x{FE0E}\x{FE0F}\x{1F3FB}-\x{1F3FF}]")  # variation selectors and skin tones
EMOJI = Regex(r"[\x{2190}-\x{2BFF}\x{3030}\x{303D}\x{1F000}-\x{1FBFF}]")
LONGEST_WORD = 12  # letters of an English word that gets a piece of its own


def plain_tokenizer() -> Tokenizer:
    """A tokenizer without a vocabulary."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(IGNORED, ""),
        normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False),
    ])  # fmt: skip
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(EMOJI, "isolated"), pre_tokenizers.BertPreTokenizer(),
    ])  # fmt: skip
    return tokenizer


def weighted_texts(captions: Path) -> Iterator[str]:
    for line in captions.open():
        row = json.loads(line)
        if row["kind"] == "wordnet":
            continue
        for _ in range((2 if row["kind"] == "name" else 1) * MORE.get(row["locale"], 1)):
            yield row["text"]


def trained_pieces(tokenizer: Tokenizer, captions: Path, size: int) -> list[str]:
    """Pieces of the captions, single characters and what is commonest first."""
    characters = Counter(c for text in weighted_texts(captions) for c in tokenizer.normalizer.normalize_str(text))
    common = sum(count >= RARE for c, count in characters.items() if not c.isspace())
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=SPECIAL, limit_alphabet=common, min_frequency=2, show_progress=False
    )
    tokenizer.train_from_iterator(weighted_texts(captions), trainer)
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)


def same_piece(tokenizer: Tokenizer, piece: str) -> str:
    """A piece of a tokenizer that tells capitals apart, as this one would write it; may be no piece at all."""
    prefix = "##" if piece.startswith("##") else ""
    return prefix + tokenizer.normalizer.normalize_str(piece.removeprefix("##")).strip()


def english_words(wordnet: Path) -> Iterator[str]:
    """The single words in the names of ImageNet's classes and of what these are kinds of."""
    classes = load_classes(wordnet)
    for key in sorted(classes.below, key=lambda k: -len(classes.below[k])):
        for name in classes.wordnet.synsets[key].words:
            if name.islower():
                yield from (w for w in name.split() if w.isalpha() and len(w) <= LONGEST_WORD)


def build(data: Path, wordnet: Path, size: int, earlier: Iterable[str]) -> Tokenizer:
    """`earlier`: pieces of a checkpoint that training starts from, which keep their rows."""
    tokenizer = plain_tokenizer()
    trained = trained_pieces(tokenizer, data / "captions.jsonl", size)
    singles = sorted(p for p in trained if len(p.removeprefix("##")) == 1)  # the trainer has them in another order each time
    emoji = sorted({chr(int(p, 16)) for concept in load_concepts(data) for p in concept["code"].split("-")})
    emoji = [e for e in emoji if len(e.encode()) > 2 and tokenizer.normalizer.normalize_str(e) == e]
    kept = (same_piece(tokenizer, p) for p in earlier if p not in SPECIAL)
    ordered = dict.fromkeys([*SPECIAL, *singles, *emoji, *kept, *english_words(wordnet), *trained])
    pieces = [p for p in ordered if p not in ("", "##") and " " not in p][:size]
    model = models.WordPiece({p: i for i, p in enumerate(pieces)}, unk_token="[UNK]", max_input_chars_per_word=100)
    tokenizer.model = model
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wordnet", type=Path, required=True, help="folder of WordNet 3.0's database")
    parser.add_argument("--size", type=int, default=14000)
    parser.add_argument("--warm", type=Path, help="an earlier checkpoint, whose pieces are kept")
    args = parser.parse_args()
    earlier = Tokenizer.from_file(str(args.warm / "text/tokenizer.json")).get_vocab() if args.warm else {}
    tokenizer = build(args.data, args.wordnet, args.size, sorted(earlier, key=earlier.__getitem__))
    tokenizer.save(str(args.data / "tokenizer.json"), pretty=False)
    texts = [json.loads(line)["text"] for line in (args.data / "captions.jsonl").open()][::50]
    encoded = tokenizer.encode_batch(texts)
    pieces = sum(len(e.ids) for e in encoded) / len(encoded)
    unknown = sum(1 in e.ids for e in encoded) / len(encoded)
    print(f"{tokenizer.get_vocab_size()} pieces, {pieces:.1f} a text with [CLS] and [SEP], {100 * unknown:.2f} % of texts with [UNK]")


if __name__ == "__main__":
    main()
