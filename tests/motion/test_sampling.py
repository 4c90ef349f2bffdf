"""Frames to measure are few and evenly spread."""

from __future__ import annotations

import numpy as np
import pytest

from videostyle.motion.sampling import SpreadSample


@pytest.mark.parametrize(
    ("count", "expected"), [(1, [0]), (20, [10]), (30, [7, 22]), (96, [12, 36, 60, 84]), (1000, [128, 384, 640, 896])]
)
def test_a_sample_stays_small_and_lies_in_the_middle_of_equal_parts(count: int, expected: list[int]) -> None:
    sample = SpreadSample(4)
    for i in range(count):
        sample.add(np.full((1, 1, 3), i, np.uint16))  # type: ignore[arg-type]
        assert len(sample._kept) <= 16
    assert sample.chosen() == pytest.approx(expected, abs=count / 16)
    assert all(int(frame[0, 0, 0]) == number for number, frame in sample.frames().items())
    assert {*sample.chosen(), *sample.between(0, count - 1)} <= set(sample.frames())
