"""Short trainings on a few small pictures, and how near a style has come to the painting."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tests.training.pictures import picture
from videostyle.training.pairs import PairSampler

OBJECTIVES: dict = {}  # what trains a network with a painting, and the state of its optimiser when it was new


def objective_as_new(key: tuple, weights, *rest):  # type: ignore[no-untyped-def]
    """An ``Objective`` as it is when it was just made.

    To trace its step takes longer than most trainings here, so those that differ in nothing it depends on (``key``)
    have one in turn, which is put back.
    """
    from videostyle.training.objective import Objective

    if key not in OBJECTIVES:
        made = Objective(weights, *rest)
        OBJECTIVES[key] = made, [np.array(variable) for variable in made.optimizer.variables]
    made, state = OBJECTIVES[key]
    made.set_arrays(weights)
    for variable, value in zip(made.optimizer.variables, state, strict=True):
        variable.assign(value)
    return made


def train(style, net, steps: int, **options):  # type: ignore[no-untyped-def]
    from videostyle.styles.card import StyleCard, arrays_sha256
    from videostyle.training import trainer

    sampler = options.pop("sampler", None) or PairSampler([picture(i) for i in range(3)], size=64, batch=1)
    settings = trainer.TrainingSettings(
        steps=options.pop("planned", steps), scales=1, checkpoint_every=2, **options.pop("settings", {})
    )
    # How far a training goes and how fast is no part of its step.
    alike = replace(settings, steps=1, minutes=None, learning_rate=1.0, patience=None, checkpoint_every=1)
    key = (net.name, arrays_sha256(style.weights), alike)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "Objective", partial(objective_as_new, key))
        return trainer.train_style(picture(99), sampler, style, net, settings, StyleCard(name="new"), **options)


def distance_to_painting(style, net) -> float:  # type: ignore[no-untyped-def]
    """Style loss of a picture painted with ``style``."""
    from videostyle.network.style_network import forward
    from videostyle.training.style_objective import features_of, mean_distances, targets_of

    view = picture(1)[None, :64, :64].astype(np.float32) / 255
    wanted = targets_of(net, picture(99), scales=1).fine
    found = features_of(net.fine, forward(style.architecture, style.weights, view), wanted)
    return float(sum(mean_distances(net.fine, found, wanted)))
