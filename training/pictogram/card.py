"""The model card: what the model is and is not, how it came about, and what results.json says."""

import argparse
import json
import textwrap
from pathlib import Path

NAMES = {
    "en": "English", "de": "German", "es": "Spanish", "fr": "French", "pl": "Polish", "tr": "Turkish", "vi": "Vietnamese",
    "id": "Indonesian", "sw": "Swahili", "ru": "Russian", "el": "Greek", "ar": "Arabic", "fa": "Persian", "he": "Hebrew",
    "hi": "Hindi", "bn": "Bengali", "ta": "Tamil", "th": "Thai", "ko": "Korean", "ja": "Japanese", "zh": "Chinese",
    "am": "Amharic", "ka": "Georgian",
}  # fmt: skip

HEAD = """# pictogram-mini

**This is not CLIP, and it says nothing about how well CLIP works.** It is a very small image-text model that was trained on drawings
of emojis, so that the service runs for real with no download. **It has seen no photographs**: on photographs it is close to useless.
It knows {concepts:,} everyday concepts and flags by their names, and finds drawings of them; it understands no sentences, no counts, no
relations ("a cat on a mat"), and nothing outside its concepts. Use it to try the service out, and to search icons and pictograms;
for photographs install the real pair.

| | |
|---|---|
| image tower | CLIP vision transformer, {image[num_hidden_layers]} x {image[hidden_size]}, {image[image_size]} px, patches of {image[patch_size]} px; transparent pictures are put on white |
| text tower | DistilBERT, {text[n_layers]} x {text[dim]}, {text[vocab_size]:,} WordPieces, mean pooling, dense to 512 |
| vectors | 512 dimensions, shared by pictures and text; compare by cosine |
| size | {size:.1f} MB in fp16, tokenizer and configuration included |
| layout | sentence-transformers: `image/`, `text/` |
"""

MEASURED = """
## Measured

Measured on the exported files, in percent, by `training/`. R@1: the right picture is the nearest of all candidates; R@10: it is among
the ten nearest. Chance is what guessing gives; a floor is what a trick without learning gives. OpenMoji, Flagpack and Art4Apps were never
trained on. OpenMoji was looked at while the training was developed (when to stop, above all), so its figures flatter a little. Of Art4Apps
was taken that cartoons are far from emojis and show more than their subject, for which clip art, shaded drawings, closer views and a second drawing behind the first
were added to the training, and two later attempts at cartoons were judged by it, neither of which helped; nothing was chosen by Flagpack.
"""


def table(part: dict, other: dict | None = None) -> str:
    """One line a language; with `other`, its figures beside."""
    lines = ["| language | R@1 | R@10 | n |" + (" line art R@1 | R@10 |" if other else ""), "|---|---|---|---|" + ("---|---|" if other else "")]
    for locale, r in part["languages"].items():
        line = f"| {NAMES.get(locale, locale)} | {r['r1']} | {r['r10']} | {r['n']:,} |"
        if other:
            line += f" {other['languages'][locale]['r1']} | {other['languages'][locale]['r10']} |"
        lines.append(line)
    mean = f"| **mean of {len(part['languages'])}** | **{part['mean']['r1']}** | **{part['mean']['r10']}** | |"
    if other:
        mean += f" **{other['mean']['r1']}** | **{other['mean']['r10']}** |"
    return "\n".join([*lines, mean])


def concepts_line(part: dict) -> str:
    found = part["image_to_concept"]
    floor = found.get("floor_pixels")
    text = f"{found['top1']} top-1, {found['top5']} top-5 (n {found['n']:,}, chance {part['chance']['r1']} / {round(5 * part['chance']['r1'], 2)}"
    return text + (f", floor by nearest pixels {floor['top1']} / {floor['top5']})" if floor else ")")


def measured(results: dict) -> str:
    a, a2, flags = results["A"], results["A2"], results["flags"]
    parts = [
        MEASURED,
        f"### A and A2: names -> OpenMoji, {a['candidates']:,} candidates; chance R@1 {a['chance']['r1']}, R@10 {a['chance']['r10']}\n",
        table(a, a2),
        f"\nEach concept is asked for once in a language, by CLDR's short name. Flags are {a['candidates'] - a['others']['languages']['en']['n']} of the "
        f"{a['candidates']:,} and the easier part; the other concepts alone, among all pictures: English R@1 {a['others']['languages']['en']['r1']}, "
        f"R@10 {a['others']['languages']['en']['r10']}; mean R@1 {a['others']['mean']['r1']}, R@10 {a['others']['mean']['r10']}.",
        f"\nPicture -> concept (nearest mean of a concept's names): colour {concepts_line(a)}; line art {concepts_line(a2)}.",
        f"\n### Flags: names -> Flagpack, {flags['candidates']} candidates; chance R@1 {flags['chance']['r1']}, R@10 {flags['chance']['r10']}\n",
        table(flags),
        "\nA flag is asked for by CLDR's short name and by the names of its territory.",
    ]
    if "B" in results:
        b = results["B"]
        parts += [
            f"\n### B: other words, other drawings: GCompris' words -> Art4Apps, {b['candidates']} candidates; "
            f"chance R@1 {b['chance']['r1']}, R@10 {b['chance']['r10']}\n",
            f"Words that CLDR has as well, mean of {len(b['languages'])} languages: R@1 {b['mean']['r1']}, R@10 {b['mean']['r10']}. "
            f"Of these, words that are the name of a concept (the others are keywords, most of them of several concepts), mean of "
            f"{len(b['named']['languages'])} languages: R@1 {b['named']['mean']['r1']}, R@10 {b['named']['mean']['r10']}. "
            f"All words: R@1 {b['all_words']['mean']['r1']}, R@10 {b['all_words']['mean']['r10']}. By language (words known to CLDR):\n",
            table(b),
        ]
    c = results["C"]
    floor = c["floor_trigrams"]
    parts.append(
        f"\n### C to G\n\n- **C, keywords held out of training** -> OpenMoji: R@1 {c['r1']}, R@10 {c['r10']} (n {c['n']:,}, chance R@1 {c['chance_r1']}). "
        f"Looking the keyword up by its character trigrams, with perfect pictures, gives {floor['r1']} / {floor['r10']}."
    )
    parts.append(ablation(results["D"], results.get("ablation")))
    if "E" in results:
        e = results["E"]
        parts.append(
            f"- **E, {e['n']} concepts held out**, by their English names, in a short run of its own from nothing: R@1 {e['r1']}, R@10 {e['r10']} "
            f"(chance {a['chance']['r1']} / {a['chance']['r10']}); the {e['seen']['n']:,} names that it had seen: {e['seen']['r1']} / {e['seen']['r10']}."
        )
    else:
        parts.append("- **E, concepts without training**: not measured on this checkpoint, which was trained on all; expect chance.")
    if "F" in results:
        f = results["F"]
        parts.append(
            f"- **F, photographs** into {len(f['labels'])} coarse labels: {f['accuracy']} (n {f['n']}, chance {f['chance']}, always the commonest label {f['floor_majority']})."
        )
    g = results["G"]
    parts.append(
        f"- **G, {g['n']:,} English synonyms and kinds from WordNet** (\"knapsack\", \"spaniel\"), all seen in training -> OpenMoji: "
        f"R@1 {g['r1']}, R@10 {g['r10']}."
    )
    return "\n".join(parts) + "\n"


def ablation(here: dict, runs: dict | None) -> str:
    """Test D: with and without six languages in the training of the text tower."""
    line = ", ".join(f"{k} {v['r1']} / {v['r10']}" for k, v in here["languages"].items())
    if runs is None:
        return f"- **D, six languages** that an ablation would leave out (here trained on; the ablation was not run): {line}."
    pairs = ", ".join(f"{k} {v['r1']} ({runs['without']['languages'][k]['r1']})" for k, v in runs["with"]["languages"].items())
    means = [f"{runs[run]['mean']['r1']} / {runs[run]['mean']['r10']}" for run in ("with", "without")]
    return (
        f"- **D, six languages**: R@1 / R@10 of this checkpoint {line}. Two short runs of the text tower from nothing, one with these languages and one "
        f"(in brackets) without, R@1: {pairs}; means {means[0]} and {means[1]}. What is left without them is spelling that they share with others."
    )


def wrapped(markdown: str) -> str:
    """Breaks lines outside tables and headings at 120 columns, as test/house/prose.test.ts asks."""
    def wrap(line: str) -> str:
        if len(line) <= 120 or line.startswith(("|", "#")):
            return line
        return textwrap.fill(line, 120, subsequent_indent="  " if line.startswith("- ") else "", break_long_words=False, break_on_hyphens=False)

    return "\n".join(map(wrap, markdown.split("\n")))


def read_results(model: Path) -> dict:
    return json.loads((model / "results.json").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="exported model with results.json")
    parser.add_argument("--concepts", type=int, default=1914)
    parser.add_argument("--story", type=Path, required=True, help="Markdown: how this checkpoint came about, what falls short, licences")
    parser.add_argument("--ablation", type=Path, help="folder of test D's two runs")
    parser.add_argument("--unseen", type=Path, help="the model of test E's run, with its results.json")
    args = parser.parse_args()
    image = json.loads((args.model / "image/0_CLIPModel/config.json").read_text())["vision_config"]
    text = json.loads((args.model / "text/config.json").read_text())
    size = sum(p.stat().st_size for part in ("image", "text") for p in (args.model / part).rglob("*") if p.is_file()) / 1e6
    head = HEAD.format(concepts=args.concepts, image=image, text=text, size=size)
    results = read_results(args.model)
    if args.ablation:
        results["ablation"] = {run: read_results(args.ablation / run / "model")["D"] for run in ("with", "without")}
    if args.unseen:
        results["E"] = read_results(args.unseen)["E"]
    (args.model / "README.md").write_text(wrapped(head + measured(results) + "\n" + args.story.read_text()))


if __name__ == "__main__":
    main()
