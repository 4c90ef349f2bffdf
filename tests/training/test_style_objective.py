"""The sum of losses: the interpolation loss in it, and paintings that cannot be used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from tests.training.pictures import picture
from videostyle.errors import ModelError, UsageError
from videostyle.network.architecture import initial_weights
from videostyle.network.perceptual import half_size
from videostyle.network.style_network import forward
from videostyle.styles.card import Style, arrays_sha256
from videostyle.styles.interpolation import interpolate
from videostyle.training.losses import area_loss
from videostyle.training.pairs import PairSampler
from videostyle.training.style_objective import INTERPOLATED, LossWeights, style_objective, targets_of


def test_colours_of_areas_half_way_from_the_base_count_if_they_leave_the_line(random_style, small_net) -> None:  # type: ignore[no-untyped-def]
    from videostyle.training.style_objective import targets_of

    arch = random_style.architecture
    base = Style(random_style.card, initial_weights(arch, seed=6))
    style = Style(replace(random_style.card, base_sha256=arrays_sha256(base.weights)), random_style.weights)
    sampler = PairSampler([picture(i) for i in range(3)], size=64, batch=1)
    batch = sampler.batch(1)
    targets = targets_of(small_net, picture(99), scales=1)
    plain, kept = (
        style_objective(arch, small_net, targets, LossWeights(interpolation=weight), 64, base=base.weights)(
            style.weights, batch
        )
        for weight in (0.0, 7.0)
    )
    scene, end = half_size(batch["current"]), half_size(forward(arch, style.weights, batch["current"], batch["canvas"]))
    between = forward(arch, interpolate(base, [(style, 1.0)], INTERPOLATED).weights, scene)
    expected = float(area_loss(between, (1 - INTERPOLATED) * scene + INTERPOLATED * end))
    assert expected > 1e-4
    assert float(kept["interpolation"]) == pytest.approx(expected, rel=1e-3)
    assert float(kept["loss"] - plain["loss"]) == pytest.approx(7 * expected, rel=1e-2)
    with pytest.raises(UsageError, match="base"):
        style_objective(arch, small_net, targets, LossWeights(interpolation=1.0), 64)


def test_paintings_that_cannot_be_used(small_net) -> None:  # type: ignore[no-untyped-def]

    for bad, words in ((np.zeros((100, 100, 3), np.uint8), "one colour"), (picture(1)[:20], "at least 32")):
        with pytest.raises(ModelError, match=words):
            targets_of(small_net, bad)
