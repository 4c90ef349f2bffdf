"""Detection of new scenes, and their statistics over time."""

from __future__ import annotations

import numpy as np
import pytest

from tests.live.fakes import scene
from videostyle.live.scene_follower import (
    BRIGHTNESS_JUMP,
    COLUMNS,
    MEASURE_EVERY,
    MIN_JUMP_INTERVAL,
    SceneChangeDetector,
    SceneFollower,
    StatisticsAverage,
)
from videostyle.network.statistics import columns


def test_a_cut_and_a_lamp_are_detected_at_once_and_a_strobe_at_most_every_quarter_second() -> None:
    watch, said = SceneChangeDetector(), []
    for i in range(150):  # 5 s: a cut at frame 60, a light at frame 100
        frame = scene(0 if i < 60 else 1, 1.0 if i < 100 else 1.25)
        if watch(frame, i / 30):
            said.append(i)
    assert said == [0, 60, 100]
    watch = SceneChangeDetector()
    flashes = [watch(scene(0, 1.0 + 0.15 * (i % 2)), i / 30) for i in range(300)]
    assert 5 < sum(flashes) <= 10 / MIN_JUMP_INTERVAL + 1


def test_slowly_rising_brightness_is_no_change_of_scene() -> None:
    watch = SceneChangeDetector()
    assert sum(watch(scene(0, 1 + 0.3 * i / 900), i / 30) for i in range(900)) == 1


class Measure:
    """Measures mean and variance of the pixels, and stores which columns were measured; None = the whole frame."""

    def __init__(self) -> None:
        self.parts: list[int | None] = []

    def __call__(self, frame: np.ndarray, part: int | None = None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        self.parts.append(part)
        cells = frame if part is None else columns(frame, COLUMNS)[part]
        values = cells.reshape(-1, 3).astype(np.float64)
        return {"layer": (values.mean(0).astype(np.float32), values.var(0).astype(np.float32))}


def test_columns_measured_one_by_one_give_the_statistics_of_the_whole_frame() -> None:
    measure = Measure()
    follow = SceneFollower(measure, measure)
    frame = scene(3)
    first = follow(frame, 0.0)
    assert first is not None
    whole = Measure()(frame)["layer"]
    assert first["layer"][0] == pytest.approx(whole[0], rel=1e-5)
    found = [follow(frame, i / 30) for i in range(1, 301)]
    changes = [value for value in found if value is not None]
    assert len(changes) == pytest.approx(10 / MEASURE_EVERY, abs=1)
    looks = len(measure.parts) - 1
    assert measure.parts == [None, *(i % COLUMNS for i in range(looks))]  # as a whole at the start only
    for value in changes:  # the statistics do not fluctuate
        assert value["layer"][0] == pytest.approx(whole[0], rel=1e-5)
        assert value["layer"][1] == pytest.approx(whole[1], rel=1e-4)


def test_the_average_moves_slowly_and_jumps_on_restart() -> None:
    assert BRIGHTNESS_JUMP > 0.02
    mean = StatisticsAverage()
    one = {"layer": (np.ones(2, np.float32), np.ones(2, np.float32))}
    two = {"layer": (np.full(2, 2, np.float32), np.ones(2, np.float32))}
    mean.update(one, 0.0, restart=True)
    assert mean.update(two, 1.0, restart=False)["layer"][0] == pytest.approx(1 + (1 - np.exp(-1 / 8)), rel=1e-5)
    assert mean.update(two, 1.1, restart=True)["layer"][0] == pytest.approx(2)
