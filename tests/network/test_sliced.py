"""The sliced Wasserstein distance of features."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from videostyle.network import loss_network, sliced
from videostyle.network.loss_network import features


@pytest.fixture(scope="module")
def net() -> loss_network.LossNetwork:
    return loss_network.load()


def texture(seed: int, size: int = 64, cell: int = 2) -> np.ndarray:
    """Random squares of ``cell`` pixels, ``[1, size, size, 3]``."""
    coarse = np.random.default_rng(seed).random((1, size // cell, size // cell, 3), np.float32)
    return coarse.repeat(cell, axis=1).repeat(cell, axis=2)


def distance(net: loss_network.LossNetwork, picture: np.ndarray, painting: np.ndarray) -> float:
    layer = net.style_layers[0]
    wanted = sliced.distribution(net, layer, features(net, painting, (layer,))[layer])
    return float(sliced.sliced_distance(net, layer, features(net, picture, (layer,))[layer], wanted))


@pytest.mark.parametrize("count", [1, 2, 701])
def test_quantiles_are_those_of_numpy(count: int) -> None:
    values = np.random.default_rng(1).normal(size=(count, 3)).astype(np.float32)
    shares = np.linspace(0, 1, 50)
    np.testing.assert_allclose(sliced.quantiles(values, shares), np.quantile(values, shares, axis=0), atol=1e-6)


def test_a_picture_is_at_no_distance_from_itself_and_a_texture_near_another_of_its_kind(
    net: loss_network.LossNetwork,
) -> None:
    assert distance(net, texture(1, 32), texture(1, 32)) == pytest.approx(0, abs=1e-6)
    alike, coarser = distance(net, texture(2), texture(1)), distance(net, texture(2, cell=8), texture(1))
    assert 5 * alike < coarser


def test_places_are_scattered_and_the_same_each_time() -> None:
    found = sliced.places(64, 64, 256)
    assert len(np.unique(found)) == 256
    np.testing.assert_array_equal(found, sliced.places(64, 64, 256))
    rows, columns = np.divmod(found, 64)
    for side in (rows, columns):  # all phases of cells of 4 pixels alike
        assert np.bincount(side % 4, minlength=4).min() > 40


def test_the_mean_alone_is_at_distance_one(net: loss_network.LossNetwork) -> None:
    layer = net.style_layers[0]
    painting = features(net, texture(1), (layer,))[layer]
    even = ops.broadcast_to(ops.mean(painting, axis=(1, 2), keepdims=True), painting.shape)
    found = float(sliced.sliced_distance(net, layer, even, sliced.distribution(net, layer, painting)))
    assert found == pytest.approx(1, abs=0.05)
