"""The style that a training starts from: the base, a named style, or the bundled style nearest to the painting."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
from keras import ops
from numpy.typing import NDArray

from videostyle.errors import ModelError, UsageError
from videostyle.network.architecture import Architecture
from videostyle.network.style_network import forward
from videostyle.styles import gallery
from videostyle.styles.card import Style
from videostyle.styles.interpolation import expand_depth
from videostyle.styles.resolve import find_style, resolve
from videostyle.training.pairs import PairSampler
from videostyle.training.style_objective import LossNetworks, Targets, features_of, mean_distances, targets_of

log = logging.getLogger("videostyle")


def choose_start(
    spec: str,
    base: Style,
    painting: NDArray[np.uint8],
    stroke: float,
    nets: LossNetworks,
    sampler: PairSampler,
    on_look: Callable[[], None] | None = None,
) -> Style:
    """The style that a training starts from.

    Args:
        spec: "base", "nearest" (the bundled style nearest to the painting), or a style's name or file, or a mix.
        base: the base of the network to train.
        painting: uint8 ``[H, W, 3]`` RGB.
        stroke: as in ``targets_of``.
        nets: the loss networks.
        sampler: gives the pictures that are painted to find the nearest style.
        on_look: called before each style that is looked at; may raise to stop.

    Raises:
        ModelError: if there is no such style.
        UsageError: if the style does not fit into the network, or has another base.
    """
    if on_look is not None:
        on_look()
    if spec == "base":
        return base
    if spec != "nearest":
        return _named_start(spec, base.architecture)
    batch = sampler.batch(0)
    targets = targets_of(nets, painting, stroke, scales=1)
    candidates = _bundled_styles(base.architecture, on_look or (lambda: None))
    start = nearest_start(base, candidates, nets, targets, list(batch["current"]), batch["canvas"])
    log.info("training starts from %s", start.card.name)
    return start


def _bundled_styles(architecture: Architecture, on_look: Callable[[], None]) -> Iterator[Style]:
    """The bundled styles that fit into a network and have its base; one that cannot be read is logged and skipped.

    The user's own styles are left out, so that a training does not depend on what was trained before.
    """
    for entry in gallery.entries():
        if not entry.bundled:
            continue
        on_look()
        try:
            found = find_style(entry.name)
            fitting = expand_depth(found, architecture)
            if fitting is not None and gallery.is_child(found):
                yield fitting
        except ModelError as error:
            log.warning("%s", error)


def _named_start(spec: str, architecture: Architecture) -> Style:
    """The style that the STYLE argument ``spec`` means, for a network of this architecture."""
    found = resolve(spec)
    fitting = expand_depth(found, architecture)
    if fitting is None:
        raise UsageError(
            f"cannot start from '{spec}'",
            "its network does not fit into the one to be trained",
            hint="start from nearest or base, or train a network of another size",
        )
    if not gallery.is_child(found):
        raise UsageError(
            f"cannot start from '{spec}'", "it was trained from another base", hint="start from nearest or base"
        )
    return fitting


def nearest_start(
    base: Style,
    styles: Iterable[Style],
    nets: LossNetworks,
    targets: Targets,
    pictures: Sequence[NDArray[np.float32]],
    canvas: NDArray[np.float32] | None = None,
) -> Style:
    """The style whose painted pictures have the lowest style loss; the base if no style has a lower one.

    Args:
        base: the base.
        styles: candidates; those of another architecture are passed over.
        nets: the loss networks.
        targets: from ``targets_of``.
        pictures: pictures to paint, float32 ``[S, S, 3]`` RGB 0..1, all of one size.
        canvas: of these pictures, as in ``forward``.
    """
    x = ops.convert_to_tensor(np.stack(pictures))

    def distance(style: Style) -> float:
        if style.architecture != base.architecture:
            return math.inf
        painted = ops.clip(forward(style.architecture, style.weights, x, canvas), 0.0, 1.0)
        fine, deep = (
            mean_distances(net, features_of(net, painted, wanted[:1]), wanted[:1])
            for net, wanted in ((nets.fine, targets.fine), (nets.deep, targets.deep))
        )
        return float(sum(fine) + sum(deep))

    return min(chain([base], styles), key=distance)  # each is read when its turn comes
