"""Shots and the statistics along them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from tests.motion.pictures import picture
from videostyle.network.statistics import Statistics, keyframe_segments
from videostyle.rendering.shots import find_shots, measure_section


class Pictures:
    """A source of frames in memory."""

    def __init__(self, frames: np.ndarray) -> None:
        self._frames, self.converted = frames, 0

    def raw_frames(self) -> Iterator[tuple[np.ndarray, float]]:
        return ((frame, n / 25) for n, frame in enumerate(self._frames))

    def delivered(self, picture: np.ndarray) -> np.ndarray:
        self.converted += 1
        return picture


def light_of(frames: np.ndarray) -> Statistics:
    """Statistics of one layer: the frames' light, and a contrast that is the same for all."""
    return {"layer": (np.float32([frames.mean() / 255]), np.float32([1]))}


def even(levels: list[int]) -> Pictures:
    return Pictures(np.stack([np.full((64, 96, 3), level, np.uint8) for level in levels]))


def test_shots_are_measured_on_a_few_frames_each_and_no_others_are_converted() -> None:
    clip = even([20] * 60 + [200] * 150 + [90] * 12)
    shots, times = find_shots(clip, lambda frames: measure_section(frames, light_of))
    found = [
        (shot.first, shot.frames, [(h.samples, float(h.statistics["layer"][0][0])) for h in shot.sections[0]])
        for shot in shots
    ]
    assert [(first, count) for first, count, _ in found] == [(0, 60), (60, 150), (210, 12)]
    assert [holds for *_, holds in found] == [
        [(2, pytest.approx(20 / 255))],
        [(4, pytest.approx(200 / 255))],
        [(1, pytest.approx(90 / 255))],
    ]
    assert clip.converted == 7
    assert times == [n / 25 for n in range(222)]


def test_a_long_shot_is_measured_all_along() -> None:
    clip = even([100] * 700)
    shots, _ = find_shots(clip, lambda frames: measure_section(frames, light_of))
    assert [(shot.first, shot.frames, len(shot.sections)) for shot in shots] == [(0, 700, 3)]
    holds = [hold for part in shots[0].sections for hold in part]
    assert [(span.first, span.ramp) for span in keyframe_segments(holds, 0)] == [(0, 0)]
    assert clip.converted == 12


def test_a_fade_is_painted_with_the_statistics_of_what_fades() -> None:
    scene = picture(1, 64, 96)
    strength = [*np.linspace(0, 1, 40), *[1.0] * 60, *np.linspace(1, 0.6, 20), *[0.6] * 40]
    clip = Pictures(np.stack([(share * scene).astype(np.uint8) for share in strength]))
    seen: list[float] = []

    def contrast(frames: np.ndarray) -> Statistics:
        seen.append(float(frames.std() / scene.std()))
        return {"layer": (np.float32([0]), np.float32([frames.var()]))}

    shots, _ = find_shots(clip, lambda frames: measure_section(frames, contrast))
    assert len(shots) == 1
    assert min(seen) > 0.49
    assert min(seen) < 0.65  # a light that is lower and stays is not a fade


def test_where_a_shot_changes_it_is_measured_closely_and_its_statistics_follow() -> None:
    """A camera that turns from the dark to the light within two seconds, in the middle of eight still ones."""
    levels = [40] * 96 + [40 + 3 * i for i in range(48)] + [184] * 96
    clip = even(levels)
    shots, _ = find_shots(clip, lambda frames: measure_section(frames, light_of))
    assert len(shots) == 1
    found = keyframe_segments([hold for part in shots[0].sections for hold in part], 0)
    assert clip.converted <= 16
    light = np.interp(range(240), [s.first for s in found], [255 * float(s.statistics["layer"][0][0]) for s in found])
    assert np.abs(light - levels).max() < 40
    assert np.abs(light - levels).mean() < 8
    assert all(0 < span.ramp <= span.first - before.first for before, span in pairwise(found))
