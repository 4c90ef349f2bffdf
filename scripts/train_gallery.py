"""Trains the bundled gallery as ``gallery.toml`` says and writes style files into the package.

python scripts/train_gallery.py --paintings DIR --photos DIR [--clip FILE]... [--vgg16 FILE.npz] [--only great-wave]
KERAS_BACKEND=jax python scripts/train_gallery.py --accelerator --minutes 15 --paintings DIR --photos DIR ...

A style is trained in stages, each from where the one before ended, the first from the base or another style. A stage
that is done is kept (``--checkpoints``), so the script goes on where it was stopped. Where Keras has a GPU, pairs are
made on it, and many steps are one call (``training.device``). ``--minutes`` limits the whole gallery: every style has
its share of that time. It needs no TensorFlow: with ``KERAS_BACKEND=jax`` it trains where JAX does.
"""

from __future__ import annotations

import argparse
import time
import tomllib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
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
from videostyle.styles.card import CANVAS, Style, StyleCard, has_canvas
from videostyle.styles.interpolation import expand_depth
from videostyle.styles.style_file import load_style, save_style
from videostyle.training.content import clip_neighbours
from videostyle.training.device.backend import has_accelerator
from videostyle.training.device.loop import DeviceLoop
from videostyle.training.device.pairs import DevicePairs
from videostyle.training.pairs import ClipPair, PairSampler
from videostyle.training.session import clip_pairs
from videostyle.training.style_objective import LossNetworks, LossWeights, targets_of
from videostyle.training.trainer import Progress, TrainingSettings, train_style

WHOLE_NUMBERS = ("steps", "scales", "seed", "checkpoint_every")
ENTRY_KEYS = ("painting", "title", "artist", "year", "stages", "start", "canvas", "share")


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
    """What to compute the loss network in: bfloat16 on a GPU, and where TensorFlow is faster with it."""
    if has_accelerator():
        return "bfloat16"
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
    """Prints the mean losses of every 50 steps or more, and keeps the style as it is every 200."""
    began, losses, printed, kept = time.time(), [], 0, 0

    def observe(progress: Progress) -> None:
        nonlocal printed, kept
        losses.append(progress.losses)
        if progress.step >= printed + 50 or progress.step == progress.steps:
            mean = {k: np.mean([each[k] for each in losses]) for k in losses[0]}
            losses.clear()
            printed = progress.step
            text = " ".join(f"{k} {v:.3g}" for k, v in mean.items())
            print(f"{label} {progress.step}/{progress.steps} {time.time() - began:.0f}s {text}", flush=True)
        if progress.step >= kept + 200:
            save_style(progress.style(), path)
            kept = progress.step

    return observe


class Clock:
    """Shares the time that is left among the styles that are left.

    What a style takes beside its training (measuring the painting, reading, writing) is expected of the next one too.

    Args:
        minutes: for all styles.
        shares: of the styles in order, relative to one another.
        now: tells the time, seconds.
    """

    def __init__(self, minutes: float, shares: Sequence[float], now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._end, self._shares = now, now() + 60.0 * minutes, list(shares)
        self._began, self._share, self._beside = now(), 0.0, 0.0

    def next_style(self) -> float:
        """Begins the next style; returns the seconds that it may train."""
        now = self._now()
        if self._share:
            self._beside = max(0.0, now - self._began - self._share)
        left = self._end - now - self._beside * len(self._shares)
        self._began, self._share = now, max(0.0, left * self._shares[0] / sum(self._shares))
        del self._shares[0]
        return self._share


@dataclass(frozen=True)
class Stage:
    """One stage of a style's training.

    Attributes:
        name: in the table of stages, or of the stage that it is like.
        own: settings in which it differs from that.
        settings: how to train.
        size: side of the pairs, pixels.
        batch: pairs in a batch.
        network: "embedded" or "vgg16", the loss network.
    """

    name: str
    own: dict[str, Any]
    settings: TrainingSettings
    size: int
    batch: int
    network: str

    @property
    def cost(self) -> float:
        """Of the whole stage, relative to that of others."""
        return float(self.settings.steps * self.batch * self.size**2)

    @property
    def program(self) -> tuple[Any, ...]:
        """What its compiled program depends on."""
        used = LossWeights(**{name: float(weight > 0) for name, weight in asdict(self.settings.weights).items()})
        settings = replace(self.settings, steps=1, minutes=None, learning_rate=1.0, seed=0, weights=used)
        return settings, self.size, self.batch, self.network


class Trainer:
    """Trains stages: on the accelerator, where there is one, or on the host.

    Args:
        photos: to train on.
        clips: neighbouring frames to train on.
        load: gives a loss network by name.
        deep: name of the loss network for large strokes.
        accelerated: whether pairs are made on the device, and many steps are one call.
    """

    def __init__(
        self,
        photos: Sequence[np.ndarray],
        clips: Sequence[ClipPair],
        load: Callable[[str], loss_network.LossNetwork],
        deep: str,
        accelerated: bool,
    ) -> None:
        self._photos, self._clips, self._load, self._deep = photos, clips, load, deep
        self._loop = DeviceLoop() if accelerated else None
        self._pairs: DevicePairs | None = None

    def _sampler(self, stage: Stage) -> PairSampler:
        options = {"size": stage.size, "batch": stage.batch, "seed": stage.settings.seed}
        if self._loop is None:
            return PairSampler(self._photos, self._clips, **options)
        if self._pairs is None:
            self._pairs = DevicePairs(self._photos, self._clips, **options)
        return self._pairs.alike(**options)

    def _networks(self, stage: Stage) -> LossNetworks:
        return LossNetworks(self._load(stage.network), self._load(self._deep))

    def __call__(self, painting: np.ndarray, style: Style, stage: Stage, card: StyleCard, **options: Any) -> Style:
        """The style after a stage; ``options`` go to ``train_style``."""
        sampler, nets, base = self._sampler(stage), self._networks(stage), gallery.base(style.architecture)
        options["loop"] = self._loop
        return train_style(painting, sampler, style, nets, stage.settings, card, base=base, **options)

    def prepare(self, paintings: Sequence[np.ndarray], stages: Sequence[Stage]) -> None:
        """Compiles, side by side, what these stages need, so that no style's time is spent on it."""
        kinds = {stage.program: stage for stage in stages}
        self._sampler(stages[0])

        def compile_stage(stage: Stage) -> None:
            one = replace(stage, settings=replace(stage.settings, steps=1))
            self(paintings[0], gallery.base(), one, StyleCard(name="none"))

        def measure(job: tuple[np.ndarray, Stage]) -> None:
            painting, stage = job
            targets_of(self._networks(stage), painting, stage.settings.stroke, stage.settings.scales)

        networks = {(stage.network, stage.settings.stroke, stage.settings.scales): stage for stage in stages}
        with ThreadPoolExecutor() as pool:
            done = [pool.submit(compile_stage, stage) for stage in kinds.values()]
            done += [pool.submit(measure, (painting, stage)) for painting in paintings for stage in networks.values()]
            for each in done:
                each.result()


def stages_of(
    row: Sequence[str | dict[str, Any]],
    table: dict[str, dict[str, Any]],
    entry: dict[str, Any],
    overrides: dict[str, float],
    precision: str,
) -> list[Stage]:
    """The stages of a style, as ``gallery.toml`` and ``--set`` say."""
    found = []
    for part in row:
        name, own = parts_of(part)
        chosen = {**keys_of(table, part, entry), **overrides}
        size, batch, network = (chosen.pop(key) for key in ("size", "batch", "loss_network"))
        settings = read_settings(chosen, precision)
        found.append(Stage(name, {**own, **overrides}, settings, int(size), int(batch), str(network)))
    return found


def read_options() -> argparse.Namespace:
    """The command line."""
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
    parser.add_argument("--go-on", action="store_true", help="start each style from itself, as trained or shipped")
    parser.add_argument("--checkpoints", type=Path, help="folder for the state of unfinished stages")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=NUMBER", help="a setting or a loss weight")
    parser.add_argument(
        "--accelerator",
        action=argparse.BooleanOptionalAction,
        help="make pairs on the device, and many steps in a call; where left out: if Keras has a GPU",
    )
    parser.add_argument("--minutes", type=float, help="time for all styles; each has the same share")
    options = parser.parse_args()
    if options.minutes is not None and not 0 < options.minutes < float("inf"):
        parser.error("--minutes must be above 0")
    if options.minutes is not None and options.checkpoints:
        parser.error("--minutes ends every stage in time: there is nothing for --checkpoints to keep")
    return options


def main() -> None:
    """Reads the options, trains what is asked for."""
    options = read_options()
    table = tomllib.loads(Path(__file__).with_name("gallery.toml").read_text(encoding="utf-8"))
    stages = table.pop("stages")
    names = options.only or list(table)
    unknown = set(names) - set(table)
    if unknown:
        raise SystemExit(f"not in gallery.toml: {', '.join(sorted(unknown))}")
    photos = [read_rgb(path, 512) for path in sorted(options.photos.glob("*.jpg"))]
    neighbours = []
    for path in options.clip:
        with open_reader(path) as source:
            neighbours += clip_neighbours(source)
    overrides = {key: float(value) for key, value in (item.split("=") for item in options.set)}
    largest = int(overrides.get("size", max(stage_keys(stages, stage)["size"] for stage in stages)))
    for folder in (options.output, options.checkpoints):
        if folder:
            folder.mkdir(parents=True, exist_ok=True)

    @cache
    def load(kind: str) -> loss_network.LossNetwork:
        return loss_network.load(options.vgg16 if kind == "vgg16" else kind)

    def file_of(name: str) -> Path:
        """A style that was trained already, or ships."""
        own = options.output / f"{name}.safetensors"
        return own if own.is_file() else gallery.ASSETS / "styles" / own.name

    accelerated = has_accelerator() if options.accelerator is None else options.accelerator
    train = Trainer(photos, clip_pairs(neighbours, largest, "medium"), load, options.deep_network, accelerated)
    precision = loss_precision()
    plan = {}
    for name in names:
        row = [stage for stage in options.stage or table[name]["stages"] if parts_of(stage)[0] not in options.skip]
        file = table[name]["painting"]
        painting = next((read_rgb(d / file) for d in options.paintings if (d / file).is_file()), None)
        if painting is None:
            raise SystemExit(f"'{file}' is in none of the folders of paintings")
        plan[name] = painting, stages_of(row, stages, table[name], overrides, precision)
    clock = None
    if options.minutes is not None:
        clock = Clock(options.minutes, [float(table[name].get("share", 1.0)) for name in plan])
        if accelerated:
            print("compiling", flush=True)
            train.prepare([painting for painting, _ in plan.values()], [s for _, row in plan.values() for s in row])

    for name, (painting, row) in plan.items():
        entry = table[name]
        end = time.monotonic() + clock.next_style() if clock else None
        target = options.output / f"{name}.safetensors"
        first = name if options.go_on else entry.get("start")
        start = options.start or (file_of(first) if first else None)
        style = load_style(start) if start else gallery.base()
        style = expand_depth(style, NETWORKS["medium"]) or style
        if "canvas" in entry and not has_canvas(style.weights):
            other = load_style(file_of(entry["canvas"]))
            style = replace(style, weights={**style.weights, CANVAS: other.weights[CANVAS]})
        commands = [style.card.command] if start else []
        for number, stage in enumerate(row):
            if end is not None:
                share = (end - time.monotonic()) * stage.cost / sum(following.cost for following in row[number:])
                stage = replace(stage, settings=replace(stage.settings, minutes=max(share, 0.1) / 60.0))
            commands.append(
                f"scripts/train_gallery.py --only {name} --stage {stage.name}"
                + "".join(f" --set {key}={value:g}" for key, value in stage.own.items())
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
            print(f"{name}, {stage.name}: {stage.settings}", flush=True)
            state = options.checkpoints / f"{name}.{number}.checkpoint" if options.checkpoints else None
            watch = observer(f"{name} {stage.name}", target)
            style = train(painting, style, stage, card, checkpoint=state, observer=watch)
            save_style(style, target)
            print(f"{name}: {asdict(style.card)['figures']}", flush=True)


if __name__ == "__main__":
    main()
