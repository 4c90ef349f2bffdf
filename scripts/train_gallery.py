"""Trains the bundled gallery as ``gallery.toml`` says and writes style files into the package.

python scripts/train_gallery.py --paintings DIR --photos DIR [--clip FILE]... [--vgg16 FILE.npz] [--only great-wave]

A style is trained in stages, each from where the one before ended, the first from the base or another style. A stage
that is done is kept (``--checkpoints``), so the script goes on where it was stopped. It needs no TensorFlow: with
``KERAS_BACKEND=jax`` it trains where JAX does.
"""

from __future__ import annotations

import argparse
import time
import tomllib
from dataclasses import asdict, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np

from videostyle import __version__
from videostyle.media.readers.open import open_reader
from videostyle.network import loss_network
from videostyle.network.architecture import NETWORKS
from videostyle.styles import gallery
from videostyle.styles.card import CANVAS, StyleCard, has_canvas
from videostyle.styles.interpolation import expand_depth
from videostyle.styles.style_file import load_style, save_style
from videostyle.training.content import clip_neighbours
from videostyle.training.pairs import PairSampler
from videostyle.training.session import clip_pairs
from videostyle.training.style_objective import LossNetworks, LossWeights
from videostyle.training.trainer import Progress, TrainingSettings, train_style

WHOLE_NUMBERS = ("steps", "scales", "seed", "checkpoint_every")
ENTRY_KEYS = ("painting", "title", "artist", "year", "stages", "start", "canvas")


def read_rgb(path: Path, long_side: int | None = None) -> np.ndarray:
    """A picture as uint8 RGB, shrunk to ``long_side`` if larger."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SystemExit(f"cannot read '{path}'")
    if long_side and max(picture.shape[:2]) > long_side:
        scale = long_side / max(picture.shape[:2])
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return picture[..., ::-1].copy()


def loss_precision() -> str:
    """What to compute the loss network in: bfloat16 where TensorFlow is faster with it; JAX finds its own way."""
    if keras.backend.backend() != "tensorflow":
        return "float32"
    from videostyle.inference.device import choose_device, choose_precision

    return "bfloat16" if choose_precision("auto", choose_device()) == "bfloat16" else "float32"


def read_settings(chosen: dict[str, Any], precision: str) -> TrainingSettings:
    """Training settings from the keys of a stage and of an entry, where they differ from the defaults."""
    weight_names = {f.name for f in fields(LossWeights)}
    weights = replace(LossWeights(), **{k: float(v) for k, v in chosen.items() if k in weight_names})
    plain = {k: int(v) if k in WHOLE_NUMBERS else v for k, v in chosen.items() if k not in weight_names}
    return replace(TrainingSettings(), weights=weights, precision=precision, **plain)


def stage_keys(stages: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """The keys of a stage: its own, and those of the stage it says it is ``like``."""
    own = dict(stages[name])
    return {**stage_keys(stages, own.pop("like")), **own} if "like" in own else own


def parts_of(stage: str | dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Of one of an entry's stages: the stage of the table that it is or is like, and where it differs from that."""
    if isinstance(stage, str):
        return stage, {}
    return str(stage["like"]), {key: value for key, value in stage.items() if key != "like"}


def keys_of(stages: dict[str, dict[str, Any]], stage: str | dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """The keys of one of an entry's stages: the entry may differ from the table, and its row of stages from both."""
    name, own = parts_of(stage)
    return {**stage_keys(stages, name), **{k: v for k, v in entry.items() if k not in ENTRY_KEYS}, **own}


def observer(label: str, path: Path) -> Any:
    """Prints the mean losses of every 50 steps, and keeps the style as it is every 200."""
    began, sums = time.time(), []

    def observe(progress: Progress) -> None:
        sums.append(progress.losses)
        if progress.step % 50 == 0 or progress.step == progress.steps:
            mean = {k: np.mean([s[k] for s in sums]) for k in sums[0]}
            sums.clear()
            text = " ".join(f"{k} {v:.3g}" for k, v in mean.items())
            print(f"{label} {progress.step}/{progress.steps} {time.time() - began:.0f}s {text}", flush=True)
        if progress.step % 200 == 0:
            save_style(progress.style(), path)

    return observe


def main() -> None:
    """Reads the options, trains what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paintings", type=Path, action="append", required=True, help="folder; may be given twice")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--clip", type=Path, action="append", default=[], help="a clip to train on as well")
    parser.add_argument("--only", action="append", help="names to train; all where left out")
    parser.add_argument("--stage", action="append", help="stages to train; those of gallery.toml where left out")
    parser.add_argument("--skip", action="append", default=[], help="stages to leave out: full without a GPU")
    parser.add_argument("--output", type=Path, default=gallery.ASSETS / "styles")
    parser.add_argument("--vgg16", default="vgg16", help="weights of VGG-16, for stages that use it")
    parser.add_argument("--deep-network", default="embedded", help="loss network for large strokes")
    parser.add_argument("--start", type=Path, help="style file to start from instead of what gallery.toml says")
    parser.add_argument("--checkpoints", type=Path, help="folder for the state of unfinished stages")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=NUMBER", help="a setting or a loss weight")
    options = parser.parse_args()

    table = tomllib.loads(Path(__file__).with_name("gallery.toml").read_text(encoding="utf-8"))
    stages = table.pop("stages")
    unknown = set(options.only or ()) - set(table)
    if unknown:
        raise SystemExit(f"not in gallery.toml: {', '.join(sorted(unknown))}")
    photos = [read_rgb(path, 512) for path in sorted(options.photos.glob("*.jpg"))]
    neighbours = []
    for path in options.clip:
        with open_reader(path) as source:
            neighbours += clip_neighbours(source)
    largest = max(stage_keys(stages, stage)["size"] for stage in stages)
    precision = loss_precision()
    overrides = {key: float(value) for key, value in (item.split("=") for item in options.set)}
    clips = clip_pairs(neighbours, int(overrides.get("size", largest)), "medium")
    if options.checkpoints:
        options.checkpoints.mkdir(parents=True, exist_ok=True)

    @cache
    def load(kind: str) -> loss_network.LossNetwork:
        return loss_network.load(options.vgg16 if kind == "vgg16" else kind)

    for name in options.only or list(table):
        entry = table[name]
        painting = next(read_rgb(d / entry["painting"]) for d in options.paintings if (d / entry["painting"]).is_file())
        target = options.output / f"{name}.safetensors"
        start = options.start or (options.output / f"{entry['start']}.safetensors" if "start" in entry else None)
        style = load_style(start) if start else gallery.base()
        style = expand_depth(style, NETWORKS["medium"]) or style
        if "canvas" in entry and not has_canvas(style.weights):
            other = load_style(options.output / f"{entry['canvas']}.safetensors")
            style = replace(style, weights={**style.weights, CANVAS: other.weights[CANVAS]})
        commands = [style.card.command] if start else []
        row = [stage for stage in options.stage or entry["stages"] if parts_of(stage)[0] not in options.skip]
        for number, stage in enumerate(row):
            stage_name, own = parts_of(stage)
            chosen = {**keys_of(stages, stage, entry), **overrides}
            size, batch, kind = (chosen.pop(key) for key in ("size", "batch", "loss_network"))
            nets = LossNetworks(load(kind), load(options.deep_network))
            settings = read_settings(chosen, precision)
            commands.append(
                f"scripts/train_gallery.py --only {name} --stage {stage_name}"
                + "".join(f" --set {key}={value:g}" for key, value in {**own, **overrides}.items())
            )
            card = StyleCard(
                name=name,
                painting=entry["title"],
                artist=entry["artist"],
                year=entry["year"],
                licence="public domain" if "videostyle" not in entry["artist"] else "part of videostyle",
                command="; ".join(commands),
                version=__version__,
            )
            print(f"{name}, {stage_name}: {settings}", flush=True)
            style = train_style(
                painting,
                PairSampler(photos, clips, size=int(size), batch=int(batch), seed=settings.seed),
                style,
                nets,
                settings,
                card,
                base=gallery.base(style.architecture),
                checkpoint=options.checkpoints / f"{name}.{number}.checkpoint" if options.checkpoints else None,
                observer=observer(f"{name} {stage_name}", target),
            )
            save_style(style, target)
            print(f"{name}: {asdict(style.card)['figures']}", flush=True)


if __name__ == "__main__":
    main()
