"""Trains the same paintings in several ways, the same number of steps each, and judges all by VGG-16.

    python scripts/ablate_training.py --paintings wave.jpg,scream.jpg --photos DIR --vgg16 FILE.npz \
        --clips a.mp4,b.mp4 [--ways embedded,teacher,no-temporal] [--steps 250] [--start great-wave]

embedded: the loss network that ships; teacher: VGG-16 itself; no-temporal: as embedded, without the temporal losses.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from compare_peers import read_clip
from train_gallery import loss_precision, read_rgb

from videostyle.api import Stylizer
from videostyle.metrics import temporal
from videostyle.metrics.perceptual import PerceptualJudge
from videostyle.motion.dis import flow_and_mask
from videostyle.network import loss_network
from videostyle.styles import gallery
from videostyle.styles.card import Style, StyleCard
from videostyle.styles.resolve import resolve
from videostyle.styles.style_file import load_style, save_style
from videostyle.training.pairs import PairSampler
from videostyle.training.style_objective import LossNetworks, LossWeights
from videostyle.training.trainer import TrainingSettings, train_style

WAYS = ("embedded", "teacher", "no-temporal")


def main() -> None:
    """Trains what is missing, measures all, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paintings", required=True, help="files, separated by commas")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--clips", required=True, help="files that are not trained on, separated by commas")
    parser.add_argument("--vgg16", required=True, help="weights of VGG-16")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--start", help="style to begin from; the base where left out")
    parser.add_argument("--keep", type=Path, help="folder for the trained styles, and to take them from")
    options = parser.parse_args()
    ways = options.ways.split(",")
    if set(ways) - set(WAYS):
        raise SystemExit(f"the ways are {', '.join(WAYS)}")

    photos = [read_rgb(path, 512) for path in sorted(options.photos.glob("*.jpg"))]
    nets = {"teacher": loss_network.load(options.vgg16), "embedded": loss_network.load("embedded")}
    whole = [read_clip(Path(clip), 6) for clip in options.clips.split(",")]
    clips = [frames[first : first + 6] for frames, first in whole]
    flows = [temporal.clip_flows(frames, flow_and_mask) for frames in clips]
    precision = loss_precision()
    start = resolve(options.start) if options.start else gallery.base()

    def trained(painting: Path, way: str) -> tuple[Style, float]:
        kept = options.keep / f"{painting.stem}.{way}.safetensors" if options.keep else None
        if kept and kept.is_file():
            style = load_style(kept)
            return style, style.card.figures.get("seconds_a_step", float("nan"))
        weights = replace(LossWeights(), temporal=0.0, temporal_feature=0.0) if way == "no-temporal" else LossWeights()
        settings = TrainingSettings(steps=options.steps, weights=weights, precision=precision)
        sampler = PairSampler(photos, size=256, batch=options.batch)
        began = time.perf_counter()
        fine = nets["teacher" if way == "teacher" else "embedded"]
        style = train_style(
            read_rgb(painting),
            sampler,
            start,
            LossNetworks.of(fine, nets["embedded"]),
            settings,
            StyleCard(name=way),
            base=gallery.base(start.architecture),
        )
        pace = (time.perf_counter() - began) / options.steps
        style = replace(style, card=replace(style.card, figures={**style.card.figures, "seconds_a_step": pace}))
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            save_style(style, kept)
        return style, pace

    print("| painting | trained with | style | content | warping error | seconds a step |")
    print("|---|---|---|---|---|---|")
    for painting in map(Path, options.paintings.split(",")):
        judge = PerceptualJudge.of(nets["teacher"], read_rgb(painting))
        for way in ways:
            style, pace = trained(painting, way)
            rows = []
            for frames, flow in zip(clips, flows, strict=True):
                painted = Stylizer(style, batch_size=2)(frames)
                rows.append(
                    (
                        judge.style(painted[0]),
                        judge.content(painted[0], frames[0]),
                        1e3 * temporal.warping_error(painted, flow),
                    )
                )
            figures = np.mean(rows, axis=0)
            print(
                f"| {painting.stem} | {way} | {figures[0]:.3f} | {figures[1]:.2f} | {figures[2]:.2f}e-3 | {pace:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
