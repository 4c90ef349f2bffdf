"""The style network: its steps, its folding, its statistics."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
from tests.painting import scene
from videostyle.network import resampling
from videostyle.network.architecture import Architecture, initial_weights
from videostyle.network.folding import fold, forward_folded, measure
from videostyle.network.style_network import forward
from videostyle.styles.card import Style


def test_depth_and_space_are_each_other_undone() -> None:
    x = np.random.default_rng(0).random((2, 8, 16, 3), np.float32)
    deep = resampling.space_to_depth(x, 4)
    np.testing.assert_array_equal(deep, tf.nn.space_to_depth(x, 4))
    np.testing.assert_array_equal(resampling.depth_to_space(deep, 4), x)


def test_parameters_and_shapes() -> None:
    arch = Architecture()
    assert arch.parameters <= 1_680_000 / 4  # a quarter of the classic network's
    assert set(initial_weights(arch)) == set(arch.shapes())
    with pytest.raises(ValueError, match="channels"):
        Architecture(channels=100_000)


def test_no_weights_can_paint_a_grid(random_style: Style) -> None:
    """An even picture stays even whatever the weights are, up to the border: there is nothing to hold a texture."""
    for level in (0.0, 0.3, 1.0):
        y = np.asarray(
            forward(random_style.architecture, random_style.weights, np.full((1, 64, 64, 3), level, np.float32))
        )
        assert np.ptp(y, axis=(1, 2)).max() < 1e-4  # free sub-pixel kernels give 0.1 and more


def convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A plain convolution at full resolution with a mirrored border."""
    reach = kernel.shape[0] // 2
    padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="symmetric")
    return tf.nn.conv2d(padded, kernel, 1, "VALID").numpy()


def spline_up(x: np.ndarray) -> np.ndarray:
    """Twice the size: at each pixel the quadratic B-splines that stand at the places of the lower resolution."""
    for axis in (1, 2):
        size = x.shape[axis]
        distance = np.abs((np.arange(2 * size)[:, None] - 0.5) / 2 - np.arange(size)[None, :])
        weight = np.where(distance < 0.5, 0.75 - distance**2, 0.5 * np.maximum(1.5 - distance, 0) ** 2)
        x = np.moveaxis(np.tensordot(weight, x, (1, axis)), 0, axis)
    return x.astype(np.float32)


@pytest.mark.parametrize("name", ["head", "fine", "out"])
def test_steps_up_are_convolutions_of_the_higher_resolution(random_style: Style, name: str) -> None:
    """The interleaved kernels do what interpolation and two plain convolutions do, border included."""
    weights, rng = random_style.weights, np.random.default_rng(0)
    width = weights[f"{name}/kernel"].shape[2]
    picture = rng.random((1, 16, 24, 3), np.float32)
    if name == "out":
        full = rng.random((1, 16, 24, width), np.float32)
        low, groups = resampling.space_to_depth(full, 2), (0, 4 * width, 12)
        expected = convolved(full, weights["out/kernel"])
    else:
        low, groups = rng.random((1, 8, 12, width), np.float32), (width, 12)
        wide = np.pad(low, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
        if name == "fine":
            upsampled = spline_up(wide)[:, 4:-4, 4:-4]
        else:
            upsampled = np.asarray(resampling.resize_up(tf.constant(wide)))[:, 3:-3, 3:-3]
        expected = tf.nn.conv2d(upsampled, weights[f"{name}/kernel"], 1, "VALID").numpy()
    detail = weights[f"{name}/detail"]
    expected = expected + convolved(picture, detail - detail.mean((0, 1))) + weights[f"{name}/bias"]
    kernel, bias = resampling.interleaved(weights, name)
    joined = np.concatenate([low, resampling.space_to_depth(picture, 2)], axis=-1)
    found = tf.nn.conv2d(resampling.mirrored(tf.constant(joined), groups), kernel, 1, "VALID") + bias
    np.testing.assert_allclose(resampling.depth_to_space(found, 2), expected, atol=1e-5)


def test_the_picture_is_halved_through_a_low_pass_border_included() -> None:
    x = np.random.default_rng(0).random((1, 16, 24, 3), np.float32)
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype(np.float32) / 64
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
    expected = np.zeros((1, 8, 12, 3), np.float32)
    for row, column in np.ndindex(4, 4):
        expected += taps[row, column] * padded[:, row : row + 15 : 2, column : column + 23 : 2]
    halved = resampling.halved(resampling.space_to_depth(tf.constant(x), 2))
    np.testing.assert_allclose(halved, expected, atol=1e-6)


def test_folding_for_bytes_scales_both_ends(random_style: Style) -> None:
    arch, weights = random_style.architecture, random_style.weights
    x = scene(1, 32, 48).astype(np.float32)
    statistics = {k: (np.asarray(m), np.asarray(v)) for k, (m, v) in measure(arch, weights, x / 255).items()}
    ones, levels = fold(weights, statistics), fold(weights, statistics, white=255.0)
    expected = 255.0 * np.asarray(forward_folded(arch, ones, x / 255))
    np.testing.assert_allclose(forward_folded(arch, levels, x), expected, atol=5e-3)


def test_folding_the_statistics_changes_nothing(random_style: Style) -> None:
    arch, weights = random_style.architecture, random_style.weights
    x = scene(1, 64, 96).astype(np.float32) / 255
    statistics = {k: (np.asarray(m), np.asarray(v)) for k, (m, v) in measure(arch, weights, x).items()}
    folded = fold(weights, statistics)
    assert not [name for name in folded if name.endswith(("gamma", "beta"))]
    np.testing.assert_allclose(forward_folded(arch, folded, x), forward(arch, weights, x), atol=2e-5)
