"""A loss network small enough to train with in a test, and a style trained with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.training.training import train


@pytest.fixture(scope="package", autouse=True)
def _graphs_as_written() -> Iterator[None]:
    """TensorFlow does not rewrite graphs, which takes longer than the few steps that are made here."""
    tf = pytest.importorskip("tensorflow")
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


@pytest.fixture(scope="session")
def small_net():  # type: ignore[no-untyped-def]
    pytest.importorskip("tensorflow")
    from videostyle.network.vgg import from_arrays

    rng = np.random.default_rng(1)
    arrays = {
        "conv0/kernel": np.eye(3)[None, None],
        "conv0/bias": np.zeros(3),
        "conv1_1/kernel": rng.normal(0, 0.3, (3, 3, 3, 6)),
        "conv1_2/kernel": rng.normal(0, 0.2, (3, 3, 6, 8)),
        "conv1_1/bias": np.zeros(6),
        "conv1_2/bias": np.zeros(8),
    }
    from videostyle.training.style_objective import LossNetworks

    net = from_arrays({k: v.astype(np.float32) for k, v in arrays.items()}, "small")
    # Its one layer serves for small strokes and for large ones.
    return LossNetworks(net, replace(net, deep_layers=net.style_layers))


@pytest.fixture(scope="session")
def learnt(random_style, small_net):  # type: ignore[no-untyped-def]
    """A style that has come near to the painting."""
    return train(random_style, small_net, 40)
