"""Measures what each processor costs: milliseconds a frame of 640x360, of 8 bits.

    python scripts/processor_cost.py [--size 1280x720] [NAME[:KEY=VALUE,...] ...] [--region KIND[:KEY=VALUE,...] ...]

The last line tells which part of the processor time of a chain of all of them is the chain's own.
"""

from __future__ import annotations

import argparse
import time
from fractions import Fraction

import numpy as np

from videostyle.cli.options import size
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.processors.chain import Chain
from videostyle.processors.protocol import Processor, needs_of
from videostyle.processors.region_painting import ShownRegions
from videostyle.processors.regions.kinds import make_mask, region_from
from videostyle.processors.registry import OWN, STYLE, choice_from, make

BATCH, ROUNDS = 8, 9
MODES = ("degrain:frames=0", "preserve-color:mode=mean", "preserve-color:mode=histogram", "compare:mode=split")


class _Timed:
    """Adds up the processor time of a step of a chain."""

    def __init__(self, inner: Processor) -> None:
        self._inner, self.spent = inner, 0.0
        self.needs = needs_of(inner)

    def open(self, info: VideoInfo) -> VideoInfo:
        return self._inner.open(info)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        began = time.process_time()
        done = self._inner(batch)
        self.spent += time.process_time() - began
        return done

    def restart(self) -> None:
        self._inner.restart()  # type: ignore[attr-defined]

    def close(self) -> None:
        self._inner.close()


def seconds(processors: list[Processor], batch: FrameBatch, info: VideoInfo) -> tuple[float, float]:
    """The fastest of some rounds, seconds a frame; and the chain's own part of all their processor time, 0..1."""
    timed = [_Timed(processor) for processor in processors]
    chain, times = Chain(timed), []
    chain.open(info)
    began_all = time.process_time()
    for number in range(ROUNDS):
        at = number * BATCH
        began = time.perf_counter()
        chain(FrameBatch(batch.frames, batch.pts + at / 25, at, original=batch.original))
        times.append((time.perf_counter() - began) / BATCH)
    whole = time.process_time() - began_all
    chain.close()
    return min(times[1:]), 1 - sum(step.spent for step in timed) / whole


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
        print(f"{name:32} {1e3 * seconds([shown], batch, info)[0]:6.1f} ms", flush=True)
    if options.region:
        return
    choices = [choice_from(name) for name in options.processors]
    for choice in choices:
        print(f"{choice!s:32} {1e3 * seconds([make(choice)], batch, info)[0]:6.1f} ms", flush=True)
    parts = [choice for choice in choices if not make(choice).needs.resizes]
    together, overhead = seconds([make(choice) for choice in parts], batch, info)
    print(f"all but those that resize: {1e3 * together:.1f} ms in one chain, which itself takes {overhead:.1%} of that")


if __name__ == "__main__":
    main()
