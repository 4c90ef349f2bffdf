"""Sliced Wasserstein distance between the features of a picture and those of a painting.

A Gram matrix knows which features occur together on average; two textures of equal averages look the same to it. The
distribution of the features tells them apart: along every direction of feature space the sorted values of the picture
must be those of the painting.

Pure functions on tensors, in ``keras.ops``.

*Source:* Heitz et al. 2021, A Sliced Wasserstein Loss for Neural Texture Synthesis.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from videostyle.network.loss_network import LossNetwork, project

Tensor = Any
Float = NDArray[np.float32]

DIRECTIONS = 96  # along which features are compared
PLACES = 1024  # of a picture at most, at which features are compared
PAINTING_PLACES = 40_000  # of a painting at most: it is measured once
TINY = 1e-8


@dataclass(frozen=True)
class Distribution:
    """How the features of a painting are distributed.

    Attributes:
        ordered: float32 ``[directions, places]``, the features along each direction, ascending.
        variance: of the features along a direction, mean over directions: what distances are measured by.
    """

    ordered: Float
    variance: float

    def quantiles(self, count: int) -> Float:
        """The ``count`` evenly spread quantiles along each direction: float32 ``[directions, count]``."""
        places = self.ordered.shape[1]
        wanted, known = (np.arange(count) + 0.5) / count, (np.arange(places) + 0.5) / places
        return np.stack([np.interp(wanted, known, row) for row in self.ordered]).astype(np.float32)


def quantiles(values: Float, shares: NDArray[np.float64]) -> Float:
    """Quantiles of each column, as ``np.quantile`` gives them, which takes ten times as long for many of them.

    Args:
        values: float32 ``[count, columns]``.
        shares: of the values that lie below, 0..1, ``[quantiles]``.

    Returns:
        float32 ``[quantiles, columns]``.
    """
    ordered, at = np.sort(values, axis=0), shares * (len(values) - 1)
    below = np.floor(at).astype(np.intp)
    low, high = ordered[below], ordered[np.minimum(below + 1, len(values) - 1)]
    return np.asarray(low + (at - below).astype(np.float32)[:, None] * (high - low), np.float32)


@lru_cache(maxsize=16)
def directions(channels: int, count: int = DIRECTIONS, seed: int = 11) -> Float:
    """Fixed random unit vectors of a feature or colour space, float32 ``[channels, count]``."""
    found = np.random.default_rng(seed).normal(size=(channels, count))
    found = (found / np.linalg.norm(found, axis=0)).astype(np.float32)
    found.flags.writeable = False
    return found


@lru_cache(maxsize=64)
def places(height: int, width: int, count: int) -> NDArray[np.int32]:
    """``count`` different places of a picture, as ``row * width + column``.

    They are scattered: on a lattice they could fall on one phase of the style network's cells alone, and what lies
    between would be free.
    """
    order = np.random.default_rng([height, width]).permutation(height * width)
    chosen = np.sort(order[:count]).astype(np.int32)
    chosen.flags.writeable = False
    return chosen


def ordered_along(points: Tensor, vectors: Float) -> Tensor:
    """Points ``[N, points, C]`` projected onto ``vectors``, ``[C, D]``, ascending: ``[N, D, points]``."""
    return ops.sort(ops.transpose(ops.matmul(points, vectors), (0, 2, 1)), axis=-1)


def ordered_projections(net: LossNetwork, layer: str, x: Tensor, most: int = PLACES) -> Tensor:
    """Features along each direction, ascending.

    Args:
        net: the loss network.
        layer: whose features ``x`` are.
        x: ``[N, h, w, C]``, before the layer's head.
        most: places to look at.

    Returns:
        float32 ``[N, DIRECTIONS, min(h * w, most)]``.
    """
    n, h, w, c = x.shape
    flat = ops.reshape(x, (-1 if n is None else n, h * w, c))
    if h * w > most:
        flat = ops.take(flat, places(h, w, most), axis=1)
    compared = project(net, layer, ops.cast(flat, "float32"))
    return ordered_along(compared, directions(compared.shape[-1]))


def distribution(net: LossNetwork, layer: str, x: Tensor) -> Distribution:
    """The distribution of a painting's features ``x``, ``[1, h, w, C]``."""
    ordered = np.asarray(ops.convert_to_numpy(ordered_projections(net, layer, x, PAINTING_PLACES)[0]), np.float32)
    return Distribution(ordered, float(np.mean(np.var(ordered, axis=1))))


def sliced_distance(net: LossNetwork, layer: str, x: Tensor, painting: Distribution) -> Tensor:
    """Squared sliced Wasserstein distance of features from a painting's, over the variance of the painting's.

    Args:
        net: the loss network.
        layer: whose features ``x`` are.
        x: ``[N, h, w, C]``, before the layer's head.
        painting: the same layer's distribution.

    Returns:
        0 = distributed as the painting's; 1 = as far as a picture whose features are all the painting's mean.
    """
    mine = ordered_projections(net, layer, x)
    # As an array the variance is an input of JAX's program, as the quantiles are; a number would make another program.
    variance = np.array([painting.variance + TINY], np.float32)
    return ops.mean(ops.square(mine - painting.quantiles(mine.shape[-1])) / variance)
