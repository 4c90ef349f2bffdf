"""Measures what each processor costs: milliseconds a frame of 640x360, of 8 bits.

    python scripts/processor_cost.py [--size 1280x720] [NAME[:KEY=VALUE,...] ...] [--region KIND[:KEY=VALUE,...] ...]

The last line compares a chain of all of them with the sum of its parts.
"""

from __future__ import annotations

import argparse
import time
from fractions import Fraction

import numpy as np

from videostyle.cli.options import size
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.processors.chain import Chain
from videostyle.processors.protocol import Processor
from videostyle.processors.region_painting import ShownRegions
from videostyle.processors.regions.kinds import make_mask, region_from
from videostyle.processors.registry import OWN, STYLE, choice_from, make

BATCH, ROUNDS = 8, 9
MODES = ("degrain:frames=0", "preserve-color:mode=mean", "preserve-color:mode=histogram", "compare:mode=split")


def seconds(processors: list[Processor], batch: FrameBatch, info: VideoInfo) -> float:
    """The fastest of some rounds, seconds a frame."""
    chain, times = Chain(processors), []
    chain.open(info)
    for number in range(ROUNDS):
        at = number * BATCH
        began = time.perf_counter()
        chain(FrameBatch(batch.frames, batch.pts + at / 25, at, original=batch.original))
        times.append((time.perf_counter() - began) / BATCH)
    chain.close()
    return min(times[1:])


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("processors", nargs="*", default=[*(name for name in OWN if name != STYLE), *MODES])
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--region", nargs="+", default=[], help="measure what finding these regions costs, and no more")
    options = parser.parse_args()
    width, height = size(options.size)
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (BATCH, height, width, 3), np.uint8)
    batch = FrameBatch(frames, np.arange(BATCH) / 25, 0, original=frames[::-1].copy())
    info = VideoInfo(width, height, fps=Fraction(25))
    for name in options.region:
        shown = ShownRegions([make_mask(region_from(name))], True)
        print(f"{name:32} {1e3 * seconds([shown], batch, info):6.1f} ms", flush=True)
    if options.region:
        return
    choices = [choice_from(name) for name in options.processors]
    for choice in choices:
        print(f"{choice!s:32} {1e3 * seconds([make(choice)], batch, info):6.1f} ms", flush=True)
    parts = [choice for choice in choices if not make(choice).needs.resizes]
    alone = sum(seconds([make(choice)], batch, info) for choice in parts)
    together = seconds([make(choice) for choice in parts], batch, info)
    print(f"all but those that resize: {1e3 * together:.1f} ms in one chain, {1e3 * alone:.1f} ms apart")


if __name__ == "__main__":
    main()
