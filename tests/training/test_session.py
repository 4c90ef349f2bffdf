"""What a training is prepared with."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")
from tests.training.pictures import picture
from videostyle.training.session import clip_pairs


def test_small_clips_are_enlarged() -> None:
    small, large = picture(1, 100, 120), picture(2, 200, 260)
    neighbours = [(small, small.copy()), (large, large.copy()), (large, large)]  # the last is a clip's first frame
    found = clip_pairs(neighbours, 150)
    assert [pair.current.shape[:2] for pair in found] == [(150, 180), (200, 260)]
    assert found[0].flow.shape == (150, 180, 2)
