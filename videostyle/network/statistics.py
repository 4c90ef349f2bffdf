"""Statistics of normalised layers along a clip: pooled where one set suits, interpolated where the scene changes.

Most shots have one set of statistics, the pooled ones of a few of their frames, and nothing in them breathes. A
camera that turns from a dark room to a bright window has frames that no common set suits: the paint would be too weak
in all of them (of seven shots two were a quarter and two thirds further from the painting so). Along such
a shot the statistics go on straight lines between those measured here and there. They are a function of the frame's
number alone, so frames may still be painted in any order by anyone.

A scene without contrast, a clear sky or a dark room, is measured as if it were a part of an ordinary picture.
Normalised by itself alone its grain and the blocks of its compression would be painted as mountains.

Pure NumPy: planning needs this where no network is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Statistics = dict[str, tuple[Float, Float]]  # layer -> (mean, variance), each float32 [C]

SAME = 0.04  # difference up to which measurements are of one scene; where a camera stands still it is 0.01 to 0.03
FAR = 0.08  # difference of neighbours beyond which more must be known of what lies between
STEP = 0.01  # difference of two steps of a ramp, at most: paint moves by one or two levels of 255 in the mean

FLAT = 24.0  # deviation of the pixel values of 255 below which a scene is flat: it is so in one photo of fifty


class Measurement(NamedTuple):
    """Frames ``first`` to ``last`` share statistics, those of ``samples`` measured frames pooled."""

    first: int
    last: int
    statistics: Statistics
    samples: int = 1


class KeyframeSegment(NamedTuple):
    """A run of frames, from ``first`` up to the next segment, that is painted with the same ``statistics``.

    Over the last ``ramp`` frames before ``first`` statistics are interpolated from those of the segment before to
    these; 0 where a shot begins.
    """

    first: int
    statistics: Statistics
    ramp: int = 0


def contrast(frames: NDArray[np.uint8]) -> float:
    """Deviation of the pixel values, of 255, of frames uint8 ``[K, H, W, 3]``; of the colours, the root mean square."""
    seen = frames[:, ::2, ::2].reshape(-1, 3).astype(np.float32)
    return math.sqrt(seen.var(axis=0).mean())


def columns(frame: NDArray[np.uint8], count: int) -> list[NDArray[np.uint8]]:
    """Cuts a frame ``[H, W, 3]`` from top to bottom into columns of one width, to be measured one after the other.

    They overlap where the width does not divide. Each shows the scene's sky and its street: pooled, four of them
    paint 12 % nearer or farther than the whole frame on average (style loss, six clips), its quarters 21 %.
    """
    width = frame.shape[1]
    count = min(count, width)
    size = -(-width // count)
    lefts = (round(i * (width - size) / max(count - 1, 1)) for i in range(count))
    return [frame[:, left : left + size] for left in lefts]


def share_beside(own: float, ordinary: float) -> float:
    """How much of an ordinary picture a scene is measured beside, so that both have ``FLAT`` together; 0 mostly.

    Args:
        own: contrast of the scene.
        ordinary: contrast of the picture, above ``FLAT``.
    """
    return max(0.0, (FLAT**2 - own**2) / (ordinary**2 - own**2)) if own < FLAT else 0.0


def pooled(parts: Sequence[Statistics], counts: Sequence[int] | None = None) -> Statistics:
    """Statistics of pictures of one size as if they were one large picture.

    Args:
        parts: statistics with the same layers.
        counts: how many pictures each is of; one where None.
    """
    found = {}
    for layer in parts[0]:
        means = np.stack([part[layer][0] for part in parts]).astype(np.float64)
        variances = np.stack([part[layer][1] for part in parts]).astype(np.float64)
        mean = np.average(means, axis=0, weights=counts)
        variance = np.average(variances + means**2, axis=0, weights=counts) - mean**2
        found[layer] = mean.astype(np.float32), np.maximum(variance, 0).astype(np.float32)
    return found


def between(one: Statistics, other: Statistics, share: float) -> Statistics:
    """Statistics on the straight line from ``one`` (``share`` 0) to ``other`` (1).

    Where only one of them corrects the painted colours (``folding.fold``), the correction fades: "out" becomes
    "line".
    """

    def of(statistics: Statistics, layer: str) -> tuple[Float, Float]:
        return statistics[layer] if layer in statistics else {**one, **other}["line"]

    def mixed(old: Float, new: Float) -> Float:
        return np.asarray((1.0 - share) * old + share * new, np.float32)

    found = {}
    for layer in {**one, **other}:
        (old_mean, old_variance), (new_mean, new_variance) = of(one, layer), of(other, layer)
        found[layer] = mixed(old_mean, new_mean), mixed(old_variance, new_variance)
    return found


def difference(one: Statistics, other: Statistics) -> float:
    """How far apart two scenes are for the network: root of the mean square over all channels of all layers.

    Of a channel it counts the way between the means in deviations, and the logarithm of the deviations' ratio: 0.1
    is a tenth of either.
    """
    squares = []
    for layer in one.keys() & other.keys():
        (mean, variance), (other_mean, other_variance) = one[layer], other[layer]
        # As EPSILON of the network, which is all that a channel without contrast is divided by.
        own, others = variance.astype(np.float64) + 1e-3, other_variance.astype(np.float64) + 1e-3
        squares.append(np.mean((mean - other_mean) ** 2 / np.sqrt(own * others) + 0.25 * np.log(own / others) ** 2))
    return math.sqrt(np.mean(squares))


def one_scene(parts: Sequence[Statistics]) -> bool:
    """Whether none of them is far from another."""
    return all(difference(one, other) <= SAME for one, other in combinations(parts, 2))


def keyframe_segments(measurements: Iterable[Measurement], first: int) -> list[KeyframeSegment]:
    """The keyframe segments of a shot that begins with frame ``first``, from what was measured along it, in order.

    Neighbours of several measured frames each that show the same scene are pooled; between others statistics are
    interpolated.
    """
    joined: list[Measurement] = []
    for measurement in measurements:
        before = joined[-1] if joined else None
        if (
            before
            and min(before.samples, measurement.samples) > 1
            and difference(before.statistics, measurement.statistics) <= SAME
        ):
            counts = [before.samples, measurement.samples]
            both = pooled([before.statistics, measurement.statistics], counts)
            joined[-1] = Measurement(before.first, measurement.last, both, sum(counts))
        else:
            joined.append(measurement)
    return [
        KeyframeSegment(found.first, found.statistics, found.first - joined[number - 1].last)
        if number
        else KeyframeSegment(first, found.statistics)
        for number, found in enumerate(joined)
    ]


def steps_of(ramp: int, one: Statistics, other: Statistics) -> int:
    """Into how many steps a ramp of so many frames is divided: each too small to see, none shorter than a frame."""
    return max(1, min(ramp, math.ceil(difference(one, other) / STEP)))


def from_arrays(arrays: Mapping[str, Float], prefix: str) -> Statistics:
    """Statistics from arrays that ``to_arrays`` named."""
    end = "/mean"
    names = sorted(n[len(prefix) : -len(end)] for n in arrays if n.startswith(prefix) and n.endswith(end))
    return {name: (arrays[f"{prefix}{name}/mean"], arrays[f"{prefix}{name}/variance"]) for name in names}


def to_arrays(statistics: Statistics, prefix: str) -> dict[str, Float]:
    """Arrays to store statistics in."""
    return {
        f"{prefix}{layer}/{kind}": value
        for layer, values in statistics.items()
        for kind, value in zip(("mean", "variance"), values, strict=True)
    }
