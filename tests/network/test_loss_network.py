"""Loss networks: Gram matrices against NumPy, the one in the package, and how others are found."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras")
from videostyle.errors import ModelError
from videostyle.network import loss_network
from videostyle.network.loss_network import features, gram, project
from videostyle.network.vgg import VGGNetwork

RNG = np.random.default_rng(7)


def small_network(heads: bool = False) -> VGGNetwork:
    rng = np.random.default_rng(1)
    arrays = {
        "conv1_1/kernel": rng.normal(0, 0.3, (3, 3, 3, 4)),
        "conv1_1/bias": rng.normal(0, 0.1, 4),
        "conv2_1/kernel": rng.normal(0, 0.3, (3, 3, 4, 6)),
        "conv2_1/bias": rng.normal(0, 0.1, 6),
    }
    if heads:
        arrays |= {"head/relu2_1/kernel": rng.normal(0, 1, (6, 9)), "head/relu2_1/bias": rng.normal(0, 1, 9)}
    arrays = {name: value.astype(np.float32) for name, value in arrays.items()}
    return VGGNetwork("small", (("conv1_1",), ("conv2_1",)), arrays, ("relu2_1",), "relu2_1")


# -- Gram matrices -------------------------------------------------------------------------------------------------


def test_gram_through_a_head_is_the_gram_of_the_projected_features() -> None:
    net = small_network(heads=True)
    f = RNG.random((2, 5, 4, 6), np.float32)
    mapped = np.asarray(project(net, "relu2_1", f)).reshape(2, 20, 9)
    np.testing.assert_allclose(gram(net, "relu2_1", f), np.einsum("npi,npj->nij", mapped, mapped) / 20, rtol=1e-4)


@pytest.mark.parametrize("heads", [False, True])
def test_gram_of_some_places_is_that_of_a_picture_of_these_places(heads: bool) -> None:
    net, f = small_network(heads), RNG.random((2, 6, 4, 6), np.float32)
    weights = np.zeros((2, 6, 4), np.float32)
    weights[:, :3] = 0.5  # how much they weigh beside none is the same
    np.testing.assert_allclose(gram(net, "relu2_1", f, weights), gram(net, "relu2_1", f[:, :3]), rtol=1e-4)


def test_a_layer_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelError, match="no layer relu5_1"):
        features(small_network(), RNG.random((1, 8, 8, 3), np.float32), ("relu1_1", "relu5_1"))


# -- the one in the package ----------------------------------------------------------------------------------------


def test_the_embedded_loss_network() -> None:
    net = loss_network.load()
    # VGG-16 to relu3_3 has 186,000 multiply-adds for a pixel.
    assert net.multiplications("relu3_3") * 5 < 186_000
    assert loss_network.ASSET.stat().st_size < 3_000_000
    assert net.style_layers == ("relu1_2", "relu2_2", "relu3_3")
    assert net.content_layer == "relu3_3"
    assert net.deep_layers == ("relu4_1", "relu5_1")


@pytest.mark.parametrize("name", ["vgg-16", "inception", "nowhere"])
def test_a_name_that_means_nothing_says_what_there_is(name: str) -> None:
    with pytest.raises(ModelError, match="neither embedded, nor a classifier") as error:
        loss_network.load(name)
    assert "InceptionV3" in str(error.value.hint)
