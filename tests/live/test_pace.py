"""Pace: the painted size follows the time that frames take."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from videostyle.live.pace import DOWN_AFTER, STEPS, UP_AFTER, Pace, painted_size


def simulate(pace: Pace, cost: Callable[[float], float], seconds: float) -> list[int]:
    """The steps chosen over time, for frames whose cost grows with their pixels."""
    now, steps = 0.0, [0]
    while now < seconds:
        took = cost(now) * STEPS[pace.step] ** 2
        now += max(took, 1 / 30)
        pace.add(took, now)
        steps.append(pace.step)
    return steps


def test_pace_goes_down_in_one_change_to_a_size_that_fits_and_stays() -> None:
    steps = simulate(Pace(1 / 30), lambda now: 0.055, 30)
    assert set(steps) == {0, 2}  # 0.055 * 0.7^2 = 0.027: the first that fits into 85 per cent of 1/30
    assert sorted(steps) == steps  # never back and forth
    assert steps.index(2) / 30 >= DOWN_AFTER * 0.5


def test_pace_begins_with_the_largest_size_that_fits() -> None:
    pace = Pace(1 / 30)
    pace.begin([0.06, 0.04, 0.02, 0.015, 0.01])
    assert pace.step == 2
    assert not any(pace.add(0.02, i / 30) for i in range(200))  # the larger size takes 0.04, too long to be tried
    slow = Pace(1 / 30)
    slow.begin([1.0] * 5)
    assert slow.step == len(STEPS) - 1
    spoilt = Pace(1 / 30)  # costs that were measured on a busy machine do not keep it at a wrong size
    spoilt.begin([0.4, 0.09, 0.14, 0.11, 0.04])
    assert spoilt.step == len(STEPS) - 1
    assert simulate(spoilt, lambda now: 0.02, 60)[-1] == 0
    fixed = Pace(1 / 30, adaptive=False)
    fixed.begin([1.0] * 5)
    assert fixed.step == 0


def test_pace_doubles_the_wait_before_it_tries_a_size_that_was_too_slow() -> None:
    # The larger size takes longer than predicted, and every attempt is visible.
    now, tries, pace = 0.0, [], Pace(1 / 30)
    pace.begin([0.05, 0.045, 0.024, 0.02, 0.01])
    while now < 200:
        now += 1 / 30
        before = pace.step
        took = {0: 0.06, 1: 0.06}.get(pace.step, 0.012)
        if pace.add(took, now) and pace.step < before and pace.step == 1:
            tries.append(now)
    gaps = np.diff(tries)
    assert 3 <= len(tries) <= 6
    assert (gaps[1:] > 1.5 * gaps[:-1]).all()
    assert tries[0] >= UP_AFTER


def test_pace_goes_up_when_there_is_time_to_spare() -> None:
    steps = simulate(Pace(1 / 30), lambda now: 0.055 if now < 5 else 0.01, 40)
    assert max(steps) == 2
    assert steps[-1] == 0
    assert simulate(Pace(1 / 30, adaptive=False), lambda now: 0.5, 20)[-1] == 0


def test_a_short_delay_changes_nothing() -> None:
    assert max(simulate(Pace(1 / 30), lambda now: 0.2 if 3 < now < 3.3 else 0.02, 10)) == 0


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_painted_sizes_suit_the_network(step: int) -> None:
    width, height = painted_size(640, 360, step)
    assert step == 0 or (width % 8 == 0 and height % 8 == 0)
    assert abs(width / height - 16 / 9) < 0.06
