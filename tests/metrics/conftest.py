"""What tests of the figures share."""

from __future__ import annotations

import pytest

from videostyle.network import loss_network
from videostyle.network.loss_network import LossNetwork


@pytest.fixture(scope="session")
def net() -> LossNetwork:
    """The embedded loss network."""
    return loss_network.load()
