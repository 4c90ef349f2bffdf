"""Flow that is a little wrong is corrected, and trusted as far as the pictures can tell, in any orientation."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from videostyle.frames import UInt8Array
from videostyle.motion.flow_check import FlowCheck
from videostyle.motion.mesh import UNITS, MeshShape
from videostyle.motion.scene_motion import MotionMeter

SHIFT = (0.6, -0.3)  # pixels; where places of the second picture were in the first


def pair(height: int, width: int) -> tuple[UInt8Array, UInt8Array]:
    """A picture of soft spots, and the same moved by ``SHIFT``."""
    noise = np.random.default_rng(4).uniform(0, 255, (height, width)).astype(np.float32)
    before = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    back = np.float32([[1, 0, SHIFT[0]], [0, 1, SHIFT[1]]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    now = cv2.warpAffine(before, back, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.rint(np.clip(now, 0, 255)).astype(np.uint8), np.rint(before).astype(np.uint8)


@pytest.mark.parametrize(("size", "lattice"), [((180, 320), (80, 44)), ((320, 180), (44, 80)), ((90, 160), (80, 44))])
def test_flow_that_is_a_little_wrong_is_corrected(size: tuple[int, int], lattice: tuple[int, int]) -> None:
    now, before = pair(*size)
    wrong = np.tile(np.float32([SHIFT[0] - 0.25, SHIFT[1] + 0.2]), (*size, 1))
    motion, trust = FlowCheck(size, lattice, smoothing=0.7, error=0.15)(now, before, wrong)
    within = np.s_[6:-6, 6:-6]
    assert np.abs(motion[within] - SHIFT).mean() < 0.08  # was wrong by 0.22
    assert trust[within].mean() > 0.5


def test_even_pictures_are_not_trusted() -> None:
    even = np.full((180, 320), 90, np.uint8)
    motion, trust = FlowCheck((180, 320), (80, 44), 0.7, 0.15)(even, even, np.ones((180, 320, 2), np.float32))
    assert np.allclose(motion, 1)
    assert not trust.any()


@pytest.mark.parametrize("size", [(180, 320), (320, 180)])
def test_motion_is_in_units_of_the_longer_side(size: tuple[int, int]) -> None:
    now, before = pair(*size)
    scene = MotionMeter(MeshShape.of(*size))(now, before)
    within = np.s_[6:-6, 6:-6]
    assert np.abs(scene.motion[within] - np.float32(SHIFT) * UNITS / max(size)).mean() < 0.1
