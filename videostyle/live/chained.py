"""Puts the live painter into a chain of processors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from videostyle.errors import SettingError
from videostyle.frames import FrameBatch, UInt8Array, VideoInfo
from videostyle.live.loop import Painter
from videostyle.processors.arrangement import arranged
from videostyle.processors.chain import Chain
from videostyle.processors.protocol import Processor
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


class _Painting:
    """The painter as a processor."""

    def __init__(self, painter: Painter) -> None:
        self._painter = painter

    def open(self, info: VideoInfo) -> VideoInfo:
        return info

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        painted = [self._painter(frame, time) for frame, time in zip(batch.frames, batch.pts, strict=True)]
        return replace(batch, frames=np.stack(painted))

    def close(self) -> None:
        self._painter.close()


class ChainedPainter:
    """A painter that runs a chain of processors on each frame; what it paints itself is one of them.

    Processors see earlier frames that were painted, none that are yet to come.

    Args:
        painter: paints; closed with this one.
        choices: the other processors, in order (``arrangement.arranged``).
        info: size of the frames.

    Raises:
        SettingError: if there cannot be such a chain.
    """

    def __init__(self, painter: Painter, choices: Sequence[Choice], info: VideoInfo) -> None:
        check_chain(choices)
        chain = arranged(choices)
        self._painter, self._frames = painter, 0
        at = [choice.name for choice in chain].index(STYLE)
        made: list[Processor] = [_Painting(painter) if n == at else make(choice) for n, choice in enumerate(chain)]
        self._first = Chain([make(choice) for choice in chain[:at]], patient=False)
        self._chain = Chain(made, patient=False)
        self._first.open(info)
        self._chain.open(info)

    @property
    def step(self) -> int:
        """Index into ``pace.STEPS`` of the size that the painter paints at."""
        return self._painter.step

    @step.setter
    def step(self, step: int) -> None:
        self._painter.step = step

    def prepare(self, frame: UInt8Array, now: float) -> tuple[float, ...]:
        """Prepares the painter with the first frame, as the processors before it deliver it."""
        prepared = self._first(FrameBatch(frame[None], np.array([now]), 0))
        self._first.close()
        return self._painter.prepare(frame if prepared is None else prepared.frames[0], now)

    def __call__(self, frame: UInt8Array, now: float) -> UInt8Array:
        """Runs the chain on one frame, uint8 ``[H, W, 3]``."""
        done = self._chain(FrameBatch(frame[None], np.array([now]), self._frames))
        self._frames += 1
        if done is None:
            raise RuntimeError("a chain without look-ahead held a frame back")
        return np.asarray(done.frames[0], np.uint8)

    def set_step(self, step: int, now: float) -> None:
        """Changes the size at which the painter paints."""
        self._painter.set_step(step, now)

    def close(self) -> None:
        """Closes the processors, the painter among them."""
        self._chain.close()
