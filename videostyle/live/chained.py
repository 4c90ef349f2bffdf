"""Runs the live painter as one step of a chain of processors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from videostyle.errors import SettingError
from videostyle.frames import FrameBatch, UInt8Array, VideoInfo
from videostyle.live.loop import Painter
from videostyle.live.schedule import Schedule
from videostyle.processors.arrangement import arranged
from videostyle.processors.chain import Chain
from videostyle.processors.protocol import Processor
from videostyle.processors.region_painting import ShownRegions, in_regions
from videostyle.processors.regions.kinds import RegionChoice, make_mask, make_region
from videostyle.processors.registry import SETTING, STYLE, Choice, make


def check_chain(choices: Sequence[Choice]) -> None:
    """Makes sure that a chain can run live.

    Raises:
        SettingError: if it cannot.
    """
    for choice in arranged(choices):
        processor = make(choice)
        processor.check()
        if processor.needs.resizes:
            raise SettingError(SETTING, f"'{choice.name}' changes the size of frames", "live paints at one size")


def lookahead_warnings(regions: Sequence[RegionChoice]) -> list[str]:
    """A warning for each region that looks at later frames: a live painting has none, so it finds less."""
    return [
        f"the region '{choice.kind}' looks at frames to come as well; live there are none, and it finds less"
        for choice in regions
        if make_region(choice).lookahead
    ]


class _Painting:
    """A painter as a processor.

    Args:
        painter: paints.
        began: the time of the painter's clock at which the clock of the chain began.
    """

    def __init__(self, painter: Painter, began: Callable[[], float]) -> None:
        self._painter, self._began = painter, began

    def open(self, info: VideoInfo) -> VideoInfo:
        return info

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        times = batch.pts + self._began()
        painted = [self._painter(frame, time) for frame, time in zip(batch.frames, times, strict=True)]
        return replace(batch, frames=np.stack(painted))

    def close(self) -> None:
        self._painter.close()


class ChainedPainter:
    """A painter that runs a chain of processors on each frame; what it paints itself is one of them.

    Processors and regions see earlier frames, but no later ones. Their clock begins at 0.

    Args:
        painter: paints; closed with this one.
        choices: the other processors, in order (``arrangement.arranged``).
        info: size of the frames.
        regions: that limit the painting, or are painted otherwise.
        layers: paint those that are painted otherwise (``RegionChoice.paints``), in order; closed with this one.
        shown: show the regions instead of painting: "overlay" or "mask"; None = paint.
        schedule: the timeline, by which the painter and options of processors are changed; None = nothing changes.

    Raises:
        SettingError: if there cannot be such a chain.
    """

    def __init__(
        self,
        painter: Painter,
        choices: Sequence[Choice],
        info: VideoInfo,
        *,
        regions: Sequence[RegionChoice] = (),
        layers: Sequence[Painter] = (),
        shown: str | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        check_chain(choices)
        chain = arranged(choices)
        self._painters = [painter, *layers]
        self._frames, self._began, self._schedule = 0, 0.0, schedule
        at = [choice.name for choice in chain].index(STYLE)
        one, *others = (_Painting(each, lambda: self._began) for each in self._painters)
        self._driven = {choice.name: make(choice) for n, choice in enumerate(chain) if n != at}
        made: list[Processor] = [
            in_regions(one, regions, others) if n == at else self._driven[choice.name] for n, choice in enumerate(chain)
        ]
        if shown is not None:
            made = [ShownRegions([make_mask(choice) for choice in regions], shown == "mask")]
        self._first = Chain([make(choice) for choice in chain[:at]], may_wait=False)
        self._chain = Chain(made, may_wait=False)
        self._first.open(info)
        self._chain.open(replace(info, start=0.0))

    @property
    def step(self) -> int:
        """Index into ``pace.STEPS`` of the size that the painter paints at."""
        return self._painters[0].step

    @step.setter
    def step(self, step: int) -> None:
        for painter in self._painters:
            painter.step = step

    def prepare(self, frame: UInt8Array, now: float) -> tuple[float, ...]:
        """Prepares the painters with the first frame, as the processors before them deliver it."""
        prepared = self._first(FrameBatch(frame[None], np.zeros(1), 0))
        self._first.close()
        first = frame if prepared is None else prepared.frames[0]
        costs = [painter.prepare(first, now) for painter in self._painters]
        return tuple(map(sum, zip(*costs, strict=True)))

    def __call__(self, frame: UInt8Array, now: float) -> UInt8Array:
        """Runs the chain on one frame, uint8 ``[H, W, 3]``."""
        if not self._frames:
            self._began = now
        time = now - self._began
        if self._schedule is not None:
            self._schedule(time, now)
            for name, values in self._schedule.options_at(time).items():
                processor = self._driven[name]
                processor.options = processor.options.model_copy(update=values)
        done = self._chain(FrameBatch(frame[None], np.array([time]), self._frames))
        self._frames += 1
        if done is None:
            raise RuntimeError("a chain without look-ahead held a frame back")
        return np.asarray(done.frames[0], np.uint8)

    def set_step(self, step: int, now: float) -> None:
        """Changes the size at which the painters paint."""
        for painter in self._painters:
            painter.set_step(step, now)

    def close(self) -> None:
        """Closes the processors and the painters."""
        self._chain.close()
        for painter in self._painters:
            painter.close()
