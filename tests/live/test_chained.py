"""The chain of processors around the live painter."""

from __future__ import annotations

import numpy as np
import pytest

from videostyle.errors import SettingError
from videostyle.frames import UInt8Array, VideoInfo
from videostyle.live.chained import ChainedPainter
from videostyle.processors.registry import chain_from


class Inverter:
    """A painter that inverts, and keeps what it got."""

    def __init__(self) -> None:
        self.step, self.got, self.closed = 0, [], False  # type: ignore[var-annotated]

    def prepare(self, frame: UInt8Array, now: float) -> tuple[float, ...]:
        self.got.append(frame)
        return (0.01,)

    def __call__(self, frame: UInt8Array, now: float) -> UInt8Array:
        self.got.append(frame)
        return 255 - frame

    def set_step(self, step: int, now: float) -> None:
        self.step = step

    def close(self) -> None:
        self.closed = True


def grainy(seed: int) -> UInt8Array:
    return np.random.default_rng(seed).normal(120, 5, (24, 32, 3)).astype(np.uint8)


def test_processors_stand_before_and_behind_the_painter() -> None:
    painter = Inverter()
    chained = ChainedPainter(painter, chain_from(["degrain:grain=8", "compare:mode=split"]), VideoInfo(32, 24))
    assert chained.prepare(grainy(0), 1.0) == (0.01,)
    painted = [chained(grainy(number), 1.0 + number) for number in range(3)]
    assert len(painter.got) == 4
    assert all(frame.std() < 0.6 * grainy(0).std() for frame in painter.got)
    assert painter.got[3].std() < painter.got[1].std()  # earlier frames help
    for number, frame in enumerate(painted):
        np.testing.assert_array_equal(frame[:, :15], grainy(number)[:, :15])
        np.testing.assert_array_equal(frame[:, 17:], 255 - painter.got[number + 1][:, 17:])
    chained.set_step(2, 0.0)
    assert chained.step == painter.step == 2
    chained.close()
    assert painter.closed


def test_a_processor_that_resizes_is_refused() -> None:
    with pytest.raises(SettingError, match="live paints at one size"):
        ChainedPainter(Inverter(), chain_from(["compare"]), VideoInfo(32, 24))
