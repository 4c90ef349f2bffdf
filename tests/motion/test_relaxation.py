"""What is distorted slips back into shape; what is not, or must not move, stays exactly."""

from __future__ import annotations

import numpy as np

from videostyle.motion.layers import Layers
from videostyle.motion.mesh import MeshShape, distortion
from videostyle.motion.relaxation import relax

SHAPE = MeshShape.of(180, 320)
MOST = 6  # units in a frame that a place so sheared slips at most
FREE = np.zeros((2, SHAPE.rows, SHAPE.columns), bool)


def test_a_sheared_canvas_relaxes_and_slips_slowly() -> None:
    layers = Layers.flat(SHAPE)
    layers.places[:] = layers.places @ np.array([[1, 1.2], [0, 1]], np.float32).T
    before = distortion(layers.places[0], layers.pitch).max()
    unit = 1 / SHAPE.height
    for _ in range(300):
        last = layers.places[0].copy()
        relax(layers, FREE, unit)
        assert np.abs(layers.places[0] - last).max() <= MOST * unit
    after = distortion(layers.places[0], layers.pitch)
    assert np.median(after) < 0.3 < before


def test_what_is_in_shape_or_fixed_stays_exactly() -> None:
    layers = Layers.flat(SHAPE)
    layers.places[0] = layers.places[0] @ np.array([[1.3, 0], [0, 1]], np.float32)
    layers.places[1] = layers.places[1] @ np.array([[3, 0], [0, 1]], np.float32)
    before = layers.places.copy()
    relax(layers, np.stack([FREE[0], ~FREE[1]]), 1 / SHAPE.height)
    assert np.array_equal(layers.places, before)
