"""The model card: what the model is and is not, how it came about, and what results.json says, with its predecessor's figures."""

import argparse
import json
import re
import textwrap
from pathlib import Path

NAMES = {
    "en": "English", "de": "German", "es": "Spanish", "fr": "French", "pl": "Polish", "tr": "Turkish", "vi": "Vietnamese",
    "id": "Indonesian", "sw": "Swahili", "ru": "Russian", "el": "Greek", "ar": "Arabic", "fa": "Persian", "he": "Hebrew",
    "hi": "Hindi", "bn": "Bengali", "ta": "Tamil", "th": "Thai", "ko": "Korean", "ja": "Japanese", "zh": "Chinese",
    "am": "Amharic", "ka": "Georgian", "cs": "Czech", "fi": "Finnish", "hu": "Hungarian", "hy": "Armenian", "it": "Italian",
    "nl": "Dutch", "pt": "Portuguese", "sv": "Swedish", "uk": "Ukrainian", "zh_CN": "Chinese",
}  # fmt: skip

HEAD = """# everyday-mini

**This is not CLIP, and it says nothing about how well CLIP works.** It is a very small image-text model, so that the
service runs for real with no download. It finds **photographs** of what ImageNet's thousand classes name or stand near
(animals above all, vehicles, tools, instruments, furniture, some fruit and dishes) and **drawings** of {concepts:,} everyday
concepts and flags, by words in about a hundred languages. It does **not** know people, faces, places and landmarks,
scenes, sports, weddings, most food, colours, counts, relations ("a cat on a mat") or sentences. Use it to try the service
out and to search icons and simple photographs; for everything else install the real pair.

| | |
|---|---|
| image towers | EfficientNet-Lite0 on the middle {lite[image_size]} of {gate[image_size]} px for photographs (u, {gate[photograph_dim]} numbers) and a CLIP vision transformer, {vision[num_hidden_layers]} x {vision[hidden_size]}, {vision[image_size]} px, for drawings (v, {vision[projection_dim]}), joined by a gate; transparent pictures are put on white |
| text towers | one for each half of the vector, u and v: DistilBERT, {text[n_layers]} x {text[dim]}, {text[vocab_size]:,} WordPieces read by both, mean pooling, one or two dense layers |
| vectors | 512 dimensions, shared by pictures and text; compare by cosine |
| size | {size:.1f} MB: fp16, the last convolutions and word tables as bytes with a scale a row; tokenizer and configuration included |
| layout | sentence-transformers, and docs/models.md for the gated pair and its texts: `image/`, `text/` |
"""

MEASURED = """
## Measured

Measured on the exported files, in percent, by `training/`. R@1: the right picture is the nearest of all candidates;
R@10: it is among the ten nearest. Chance is what guessing gives; a floor is what a trick without learning gives. In
brackets is what pictogram-mini, the model before this one, gives in the same test. No picture of any test was trained
on. OpenMoji, GCompris' photographs and Tux Paint's stamps were looked at while the model was designed, so fresh pictures
will give a few points less.
"""


def pair(r: dict) -> str:
    return f"{r['r1']} / {r['r10']}"


def photographs(now: dict, before: dict) -> str:
    gc, old = now["gcompris"], before["gcompris"]
    names = {"all": "all", "animal": "animals", "thing": "things", "monument": "monuments"}
    rows = [
        f"| GCompris, {names[k]} | {pair(gc[k])} | {pair(old[k])} | {pair(gc[k]['chance'])} | {gc[k]['n']} |" for k in names
    ]
    tux, old = now["tux"], before["tux"]
    rows.append(f"| Tux Paint, English captions | {pair(tux['en'])} | {pair(old['en'])} | {pair(tux['en']['chance'])} | {tux['en']['n']} |")
    rows.append(f"| Tux Paint, mean of {len(tux['languages'])} languages | {pair(tux['mean'])} | {pair(old['mean'])} | {pair(tux['en']['chance'])} | |")
    languages = ", ".join(f"{NAMES.get(k, k)} {pair(r)}" for k, r in tux["languages"].items())
    c, f = now["categories"], now["F"]
    words = ", ".join(f"{k} {v}" for k, v in c["words"].items())
    return "\n".join([
        f"### Photographs: names -> {gc['photographs']} photographs of GCompris, captions -> {tux['stamps']} stamps of Tux Paint\n",
        "| test | R@1 / R@10 | pictogram-mini | chance | n |", "|---|---|---|---|---|", *rows,
        f"\nBy language: {languages}.",
        f"\nWords for many things, the share that is right among the first ten: {c['mean']} ({before['categories']['mean']}; chance {c['chance']}, "
        f"n {c['n']}): {words}.",
        f"\n**F**, photographs into {len(f['labels'])} coarse labels: {f['accuracy']} ({before['F']['accuracy']}; n {f['n']}, chance {f['chance']}, "
        f"always the commonest label {f['floor_majority']}).\n",
    ])  # fmt: skip


def table(part: dict, other: dict | None = None) -> str:
    """One line a language; with `other`, its figures beside."""
    more = " line art R@1 | R@10 |" if other else ""
    lines = ["| language | R@1 | R@10 | n |" + more, "|---|---|---|---|" + ("---|---|" if other else "")]
    for locale, r in part["languages"].items():
        line = f"| {NAMES.get(locale, locale)} | {r['r1']} | {r['r10']} | {r['n']:,} |"
        if other:
            line += f" {other['languages'][locale]['r1']} | {other['languages'][locale]['r10']} |"
        lines.append(line)
    mean = f"| **mean of {len(part['languages'])}** | **{part['mean']['r1']}** | **{part['mean']['r10']}** | |"
    if other:
        mean += f" **{other['mean']['r1']}** | **{other['mean']['r10']}** |"
    return "\n".join([*lines, mean])


def drawings(now: dict, before: dict) -> str:
    a, a2, flags = now["A"], now["A2"], now["flags"]
    found = a["image_to_concept"]
    return "\n".join([
        f"### A and A2: names -> OpenMoji, {a['candidates']:,} candidates; chance {pair(a['chance'])}\n",
        table(a, a2),
        f"\nThe mean was {pair(before['A']['mean'])} in colour and {pair(before['A2']['mean'])} in line art. Each concept is asked for once in a "
        f"language, by CLDR's short name. Without the flags, which are easier: English {pair(a['others']['languages']['en'])} "
        f"({pair(before['A']['english_others'])}), mean {pair(a['others']['mean'])} ({pair(before['A']['others'])}). "
        f"Picture -> concept: {found['top1']} top-1, {found['top5']} top-5 (n {found['n']:,}).",
        f"\n### Flags: names -> Flagpack, {flags['candidates']} candidates; chance {pair(flags['chance'])}\n",
        f"Mean of {len(flags['languages'])} languages {pair(flags['mean'])} ({pair(before['flags']['mean'])}).",
        f"\n### Written forms: names -> OpenMoji, {a['candidates']:,} candidates\n",
        "| form | R@1 | R@10 | n |", "|---|---|---|---|",
        *(f"| {form} | {r['r1']} | {r['r10']} | {r['n']:,} |" for form, r in now["T"].items()),
    ])  # fmt: skip


def others(now: dict, before: dict) -> str:
    b, c, d, g = now["B"], now["C"], now["D"], now["G"]
    return "\n".join([
        "\n### B, C, D and G\n",
        f"- **B, other words, other drawings**: GCompris' words -> Art4Apps, {b['candidates']} candidates, chance {pair(b['chance'])}. Words that "
        f"CLDR has as well, mean of {len(b['languages'])} languages: {pair(b['mean'])} ({pair(before['B']['mean'])}); words that name a concept: "
        f"{pair(b['named']['mean'])} ({pair(before['B']['named'])}); all words: {pair(b['all_words']['mean'])} ({pair(before['B']['all_words'])}).",
        f"- **C, keywords held out of training** -> OpenMoji: {pair(c)} ({pair(before['C'])}; n {c['n']:,}, chance R@1 {c['chance_r1']}).",
        f"- **D, six languages with few speakers on the web**: {', '.join(f'{k} {pair(r)}' for k, r in d['languages'].items())}.",
        f"- **G, {g['n']:,} English synonyms and kinds from WordNet** -> OpenMoji: {pair(g)} ({pair(before['G'])}).",
    ])  # fmt: skip


def wrapped(markdown: str) -> str:
    """Fills paragraphs and list items to 120 columns, as test/house/prose.test.ts asks; tables and headings stay."""
    def fill(block: str) -> str:
        if block.startswith(("|", "#")):
            return block
        items = re.split(r"\n(?=- )", block)
        width = {"width": 120, "break_long_words": False, "break_on_hyphens": False}
        return "\n".join(textwrap.fill(item, subsequent_indent="  " if item.startswith("- ") else "", **width) for item in items)

    return "\n\n".join(fill(block) for block in re.split(r"\n{2,}", markdown.strip())) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="exported model with results.json")
    parser.add_argument("--before", type=Path, required=True, help="the predecessor's figures, JSON")
    parser.add_argument("--story", type=Path, required=True, help="Markdown: how this checkpoint came about, what falls short, licences")
    parser.add_argument("--concepts", type=int, default=1914)
    args = parser.parse_args()
    read = lambda file: json.loads(file.read_text())  # noqa: E731
    image = args.model / "image"
    head = HEAD.format(
        concepts=args.concepts, gate=read(image / "config.json"), vision=read(image / "1_CLIPModel/config.json")["vision_config"],
        lite=read(image / "2_EfficientNetLite/config.json"), text=read(args.model / "text/1_Transformer/config.json"),
        size=sum(p.stat().st_size for part in ("image", "text") for p in (args.model / part).rglob("*") if p.is_file()) / 1e6,
    )  # fmt: skip
    now, before = read(args.model / "results.json"), read(args.before)
    parts = [head, MEASURED, photographs(now["photographs"], before["photographs"]), drawings(now, before), others(now, before)]
    (args.model / "README.md").write_text(wrapped("\n".join(parts) + "\n\n" + args.story.read_text()))


if __name__ == "__main__":
    main()
