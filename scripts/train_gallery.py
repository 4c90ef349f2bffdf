"""Trains the bundled gallery (``gallery.toml``) and writes style files into the package.

python scripts/train_gallery.py --paintings DIR --photos DIR [--only great-wave] [--steps 900]
"""

from __future__ import annotations

import argparse
import time
import tomllib
from dataclasses import asdict, fields, replace
from pathlib import Path

import cv2
import numpy as np

from videostyle import __version__
from videostyle.io.content import clip_neighbours
from videostyle.io.source import open_source
from videostyle.models import gallery, loss_network
from videostyle.models.weights import StyleCard, load_style, save_style
from videostyle.render.style import clip_pairs
from videostyle.training.data import PairSampler
from videostyle.training.trainer import LossWeights, Progress, Settings, nearest_start, painting_targets, train_style


def read_rgb(path: Path, long_side: int | None = None) -> np.ndarray:
    """A picture as uint8 RGB, shrunk to ``long_side`` if larger."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SystemExit(f"cannot read '{path}'")
    if long_side and max(picture.shape[:2]) > long_side:
        scale = long_side / max(picture.shape[:2])
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return picture[..., ::-1].copy()


def main() -> None:
    """Reads the options, trains what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paintings", type=Path, action="append", required=True, help="folder; may be given twice")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--clip", type=Path, action="append", default=[], help="a clip to train on as well")
    parser.add_argument("--only", action="append", help="names to train; all where left out")
    parser.add_argument("--output", type=Path, default=gallery.ASSETS / "styles")
    parser.add_argument("--loss-network", default="embedded")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--start", help="style file to start from, 'nearest', or 'base' (the default)", default="base")
    parser.add_argument("--checkpoints", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=NUMBER", help="a setting or a loss weight")
    options = parser.parse_args()

    table = tomllib.loads(Path(__file__).with_name("gallery.toml").read_text(encoding="utf-8"))
    unknown = set(options.only or ()) - set(table)
    if unknown:
        raise SystemExit(f"not in gallery.toml: {', '.join(sorted(unknown))}")
    photos = [read_rgb(path, 512) for path in sorted(options.photos.glob("*.jpg"))]
    clips = []
    for path in options.clip:
        with open_source(path) as source:
            clips += clip_pairs(clip_neighbours(source), options.size, "medium")
    net = loss_network.load(options.loss_network)
    base = gallery.base()
    overrides = {key: float(value) for key, value in (item.split("=") for item in options.set)}

    for name in options.only or list(table):
        entry = table[name]
        painting = next(read_rgb(d / entry["painting"]) for d in options.paintings if (d / entry["painting"]).is_file())
        chosen = {**{k: v for k, v in entry.items() if k not in ("painting", "title", "artist", "year")}, **overrides}
        weight_names = {f.name for f in fields(LossWeights)}
        weights = replace(LossWeights(), **{k: v for k, v in chosen.items() if k in weight_names})
        plain = {k: v for k, v in chosen.items() if k not in weight_names}
        for key in {"steps", "scales", "seed", "checkpoint_every"} & plain.keys():
            plain[key] = int(plain[key])
        settings = replace(Settings(), weights=weights, **plain)
        start = base
        if options.start == "nearest":
            others = [load_style(p) for p in sorted(options.output.glob("*.safetensors")) if p.stem != name]
            views = [
                p[:256, :256].astype(np.float32) / 255
                for p in photos[:: max(1, len(photos) // 4)]
                if min(p.shape[:2]) >= 256
            ]
            start = nearest_start(base, others, net, painting_targets(net, painting, settings), views[:4])
        elif options.start != "base":
            start = load_style(options.start)
        print(f"{name}: from {start.card.name}, {settings}", flush=True)
        sampler = PairSampler(photos, clips, size=options.size, batch=options.batch, seed=settings.seed)
        card = StyleCard(
            name=name,
            painting=entry["title"],
            artist=entry["artist"],
            year=entry["year"],
            licence="public domain" if "videostyle" not in entry["artist"] else "part of videostyle",
            command=f"scripts/train_gallery.py --only {name} --loss-network {net.name} --size {options.size} "
            f"--batch {options.batch} --start {Path(options.start).stem} "
            + " ".join(f"--set {key}={value:g}" for key, value in chosen.items()),
            version=__version__,
        )
        began, sums = time.time(), []

        def observe(progress: Progress, name: str = name, began: float = began, sums: list = sums) -> None:
            sums.append(progress.losses)
            if progress.step % 50 == 0 or progress.step == progress.steps:
                mean = {k: np.mean([s[k] for s in sums]) for k in sums[0]}
                sums.clear()
                text = " ".join(f"{k} {v:.3g}" for k, v in mean.items())
                print(f"{name} {progress.step}/{progress.steps} {time.time() - began:.0f}s {text}", flush=True)
            if progress.step % 200 == 0:
                save_style(progress.style(), options.output / f"{name}.safetensors")

        checkpoint = options.checkpoints / f"{name}.checkpoint" if options.checkpoints else None
        style = train_style(
            painting, sampler, start, net, settings, card, base=base, checkpoint=checkpoint, observer=observe
        )
        save_style(style, options.output / f"{name}.safetensors")
        print(f"{name}: {asdict(style.card)['figures']}", flush=True)


if __name__ == "__main__":
    main()
