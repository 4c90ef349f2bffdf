"""Cuts are found, motion and light are none."""

from __future__ import annotations

import numpy as np

from tests.motion.pictures import picture
from videostyle.motion.cuts import CutDetector


def test_cuts_are_found_and_motion_is_none() -> None:
    first, second = picture(1, 120, 400), 255 - picture(2, 120, 400)
    frames = [first[:, 3 * i : 3 * i + 160] for i in range(20)] + [second[:, 5 * i : 5 * i + 160] for i in range(20)]
    detector = CutDetector()
    assert [i for i, frame in enumerate(frames) if detector(frame)] == [0, 20]


def test_a_cut_between_dark_scenes_is_found_and_a_flash_of_light_is_none() -> None:
    first, second = (picture(seed, 120, 400) // 3 for seed in (1, 2))
    dark = [scene[:, i : i + 160] for scene in (first, second) for i in range(20)]
    detector = CutDetector()
    assert [i for i, frame in enumerate(dark) if detector(frame)] == [0, 20]
    lit = [first[:, :160] + np.uint8(25 * (i >= 20)) for i in range(40)]
    detector = CutDetector()
    assert [i for i, frame in enumerate(lit) if detector(frame)] == [0]
