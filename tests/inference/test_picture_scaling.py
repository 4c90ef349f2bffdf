"""Pictures are scaled without aliasing, to the same values in any batch, and keep what is even."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
from videostyle.inference.picture_scaling import scaling, to_bytes

SIZES = [((48, 64), (24, 32)), ((101, 77), (31, 23)), ((30, 41), (60, 82)), ((9, 300), (8, 267)), ((300, 8), (301, 5))]


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_it_is_the_cubic_scaling_that_tensorflow_has_for_some_devices(before: tuple, after: tuple) -> None:
    frames = noise(1, *before, 3)
    found = scaling(before, after)(frames).numpy()
    assert found.shape == (1, *after, 3)
    wanted = tf.image.resize(frames, after, "bicubic", antialias=True).numpy()
    # At the borders it mirrors the picture, and TensorFlow leaves out what is beyond them.
    assert np.abs(found - wanted)[:, 4:-4, 4:-4].max(initial=0) < 4


def test_even_pictures_stay_even() -> None:
    for before, after in SIZES:
        assert (scaling(before, after)(np.full((1, *before, 3), 77, np.uint8)).numpy() == 77).all()


def test_a_ramp_goes_from_border_to_border() -> None:
    ramp = np.broadcast_to(np.arange(64, dtype=np.uint8)[None, None, :, None] * 4, (1, 16, 64, 3))
    found = scaling((16, 64), (8, 32))(ramp).numpy()
    assert found[0, 3, 2:-2, 0] == pytest.approx(np.arange(32)[2:-2] * 8 + 2, abs=0.1)


def test_fine_patterns_do_not_alias() -> None:
    stripes = np.zeros((1, 64, 64, 3), np.uint8)
    stripes[:, :, ::2] = 255
    assert scaling((64, 64), (23, 23))(stripes).numpy()[:, :, 2:-2].std() < 3


def test_frames_are_the_same_alone_in_a_batch_and_compiled() -> None:
    frames = noise(5, 150, 201, 3)
    scaled = scaling((150, 201), (67, 90))
    together = tf.function(scaled, autograph=False)(tf.constant(frames)).numpy()
    for number in range(5):
        assert np.array_equal(scaled(frames[number : number + 1]).numpy()[0], together[number])


def test_bytes_are_rounded_to_nearest_and_clipped() -> None:
    assert to_bytes(tf.constant([-3.0, 0.49, 0.51, 254.6, 300.0])).numpy().tolist() == [0, 0, 1, 255, 255]
