"""The dissolve that hides a change of size."""

from __future__ import annotations

import numpy as np
import pytest

from tests.live.fakes import scene
from videostyle.live.dissolve import Dissolve


def test_still_places_dissolve_and_moving_places_change_at_once() -> None:
    dissolve = Dissolve()
    original = scene(0)
    old, new = np.full_like(original, 40), np.full_like(original, 200)
    assert np.array_equal(dissolve(old, original, 0.0), old)
    dissolve.begin(0.0)
    values = []
    for i in range(1, 20):
        moved = original.copy()
        moved[:, 64:] = scene(100 + i)[:, 64:]  # the right half changes completely in every frame
        shown = dissolve(new, moved, i / 30)
        values.append(int(shown[36, 20, 0]))
        assert (shown[:, 76:] == 200).all()
    walk = [40, *values]
    assert values[-1] == 200
    assert max(np.diff(walk)) < 0.15 * (200 - 40)  # no jump
    assert min(np.diff(walk)) >= -1
    assert values[6] == pytest.approx(40 + 160 * (7 / 30) / 0.5, abs=8)  # linear, over half a second
