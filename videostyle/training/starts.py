"""Which style a training starts from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from keras import ops
from numpy.typing import NDArray

from videostyle.network.perceptual import style_loss
from videostyle.network.style_network import forward
from videostyle.styles.card import Style
from videostyle.training.style_objective import LossNetworks, Targets, grams


def nearest_start(
    base: Style,
    styles: Iterable[Style],
    nets: LossNetworks,
    targets: Targets,
    pictures: Sequence[NDArray[np.float32]],
    canvas: NDArray[np.float32] | None = None,
) -> Style:
    """The style whose paint is nearest to the targets already; the base where none comes nearer.

    Args:
        base: the base.
        styles: candidates, children of the base.
        nets: what style is compared by.
        targets: of the painting.
        pictures: a few float32 ``[S, S, 3]`` RGB 0..1 pictures of one size to paint.
        canvas: of these pictures, as in ``forward``.
    """
    x = ops.convert_to_tensor(np.stack(pictures))

    def distance(style: Style) -> float:
        if style.architecture != base.architecture:
            return math.inf
        painted = ops.clip(forward(style.architecture, style.weights, x, canvas), 0.0, 1.0)
        fine, deep = targets.fine[0], targets.deep
        found = grams(nets.fine, painted, tuple(fine))
        total = sum(style_loss(found[name], fine[name]) for name in fine) / len(fine)
        if deep:
            found = grams(nets.deep, painted, tuple(deep))
            total = total + sum(style_loss(found[name], deep[name]) for name in deep) / len(deep)
        return float(total)

    return min([base, *styles], key=distance)
