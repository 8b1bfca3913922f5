"""The mean of the weights of several runs of one stage that started from the same checkpoint (Wortsman et al. 2022, "Model soups").

Runs that went different ways from one start lie in one valley, and the middle of a valley fits an unseen style better than its
edges. Prototypes are averaged with the towers.

    python -m pictogram.average work/run6/image.pt work/run9/image.pt --out work/run10/image.pt
    python -m pictogram.average work/pair3/pair.pt work/pair4/pair.pt --out work/pair34/pair.pt
"""

import argparse
from pathlib import Path

import torch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=Path, nargs="+", help="image.pt or pair.pt of each run, all of one shape")
    parser.add_argument("--out", type=Path, required=True, help="what to write; `--start` and stage 2 take it, and no run goes on from it")
    args = parser.parse_args()
    loaded = [torch.load(path) for path in args.checkpoints]
    config = loaded[0]["config"]
    for path, checkpoint in zip(args.checkpoints, loaded):
        if checkpoint["config"] != config:
            parser.error(f"{path} has another shape than {args.checkpoints[0]}")
    modules = [checkpoint["module"] for checkpoint in loaded]
    module = {name: sum(m[name] for m in modules) / len(modules) for name in modules[0]}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"module": module, "config": config}, args.out)


if __name__ == "__main__":
    main()
