"""Trains the base: the style network that reproduces its input, parent of every style.

python scripts/train_base.py --photos DIR [--network small] [--steps 4000]

The base of a deeper network is that of a shallower one (``styles.interpolation.expand_depth``): only the
small and the medium one are trained.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops
from keras.optimizers.schedules import CosineDecay
from train_gallery import read_rgb

from videostyle import __version__
from videostyle.network.architecture import BASES, initial_weights
from videostyle.network.style_network import forward
from videostyle.network.vgg import read_arrays
from videostyle.styles import gallery
from videostyle.styles.card import Style, StyleCard, arrays_sha256
from videostyle.styles.style_file import load_style, save_style
from videostyle.training.objective import Objective

GRAPHICS = 0.25  # share of pictures that are drawn: no photo has areas of pure colours


def graphic(rng: np.random.Generator, size: int) -> np.ndarray:
    """Overlapping areas of pure colours, as in titles, charts and test patterns, uint8 ``[size, size, 3]``."""
    picture = np.empty((size, size, 3), np.uint8)
    picture[:] = _colour(rng)
    for _ in range(rng.integers(1, 12)):
        top, left = rng.integers(-size // 2, size, 2)
        height, width = rng.integers(2, size + 1, 2)
        if rng.random() < 0.3:
            height = 2 * size  # a bar
        area = picture[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
        if rng.random() < 0.2 and area.size:  # from one colour to another
            share = np.linspace(0, 1, area.shape[1])[None, :, None]
            area[:] = (1 - share) * _colour(rng) + share * _colour(rng)
        else:
            area[:] = _colour(rng)
    return picture


def _colour(rng: np.random.Generator) -> np.ndarray:
    return 255 * rng.integers(0, 2, 3) if rng.random() < 0.6 else rng.integers(0, 256, 3)


def stretched(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A photo with more contrast than it has, each colour by itself, cut off where a screen ends."""
    mean = crop.mean((0, 1))
    return np.clip((crop - mean) * rng.uniform(1, 4, 3) + mean, 0, 255).astype(np.uint8)


def main() -> None:
    """Reads the options, trains, writes the base into the package's assets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--start", type=Path, help="a base to go on from")
    parser.add_argument(
        "--keep-children",
        action="store_true",
        help="styles trained from --start are children of this base as well: for a short training at a low rate",
    )
    parser.add_argument("--network", choices=tuple(BASES), default="medium", help="size of network")
    parser.add_argument("--output", type=Path, help="default: into the package's assets")
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    photos = [read_rgb(path) for path in sorted(options.photos.glob("*.jpg"))]
    window = options.size
    arch = BASES[options.network]

    def batch() -> dict[str, np.ndarray]:
        crops: list[np.ndarray] = []
        while len(crops) < options.batch:
            if rng.random() < GRAPHICS:
                crops.append(graphic(rng, window))
                continue
            photo = photos[rng.integers(len(photos))]
            top, left = (rng.integers(0, side - window + 1) for side in photo.shape[:2])
            crop = photo[top : top + window, left : left + window]
            if crop.std() > 1.0:  # an even colour teaches nothing
                crops.append(stretched(crop, rng) if rng.random() < GRAPHICS else crop)
        return {"x": np.stack(crops).astype(np.float32) / 255.0}

    def losses(weights: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
        error = forward(arch, weights, data["x"]) - data["x"]
        mse = ops.mean(ops.square(error))
        # The absolute error keeps flat areas exact where the squared one is already content.
        return {"loss": 100.0 * mse + ops.mean(ops.abs(error)), "mse": mse}

    start = initial_weights(arch)
    if options.start:
        # Arrays that another architecture shares are a head start, too.
        old = read_arrays(options.start)
        start.update({name: value for name, value in old.items() if value.shape == start.get(name, value[:0]).shape})
    schedule = CosineDecay(1e-4, options.steps, 0.01, warmup_target=options.rate, warmup_steps=100)
    objective = Objective(start, losses, ("loss", "mse"), schedule)
    began, recent = time.time(), []
    for step in range(options.steps):
        recent.append(objective.step(batch())["mse"])
        if step % 200 == 199:
            print(
                f"{step + 1} {time.time() - began:.0f}s PSNR {-10 * np.log10(np.mean(recent[-100:])):.2f} dB",
                flush=True,
            )
    card = StyleCard(
        name="base",
        painting="none: reproduces its input",
        licence="part of videostyle",
        architecture=arch,
        command=f"python scripts/train_base.py --network {options.network} --steps {options.steps}"
        f" --size {options.size} --batch {options.batch} --rate {options.rate:g}"
        + (f" --start {options.start.name}" if options.start else "")
        + (" --keep-children" if options.keep_children else ""),
        figures={"psnr_db": round(float(-10 * np.log10(np.mean(recent[-200:]))), 2)},
        version=__version__,
        base_sha256=arrays_sha256(load_style(options.start).weights) if options.keep_children else "",
    )
    save_style(Style(card, objective.arrays()), options.output or gallery.base_path(options.network))


if __name__ == "__main__":
    main()
