"""Statistics of normalised layers along a clip: pooled over a shot, interpolated where the scene changes within it.

Statistics are the mean and variance of each channel of each normalised layer. Most shots have one set, pooled over a
few of their frames, so colours and strokes stay constant. When a camera turns from a dark room to a bright window, one
set for all frames paints too weakly (in two of seven such shots the style loss was a quarter and two thirds higher).
Statistics are then measured at several frames and interpolated linearly between them. They depend on the number of the
frame alone, so frames can still be painted in any order.

A scene of little contrast, such as a clear sky or a dark room, is measured together with a reference picture of
ordinary contrast. Normalised alone, its grain and compression blocks would be amplified and painted as strokes.

Pure NumPy: planning needs it where no network is loaded.
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

# Values of ``difference``:
SAME = 0.04  # largest within one scene; a camera that stands still gives 0.01 to 0.03
FAR = 0.08  # largest between neighbouring measurements; above it, frames between them are measured as well
STEP = 0.01  # largest between two steps of a ramp: painted colours change by one or two levels of 255 on average

FLAT = 24.0  # contrast below which a scene is flat, levels of 255; one photo in fifty is


class Measurement(NamedTuple):
    """Statistics of the frames ``first`` to ``last``, pooled over ``samples`` measured frames."""

    first: int
    last: int
    statistics: Statistics
    samples: int = 1


class KeyframeSegment(NamedTuple):
    """The statistics from frame ``first`` up to the ramp of the next segment.

    Over the last ``ramp`` frames before ``first``, statistics are interpolated from those of the previous segment to
    these. ``ramp`` is 0 where a shot begins.
    """

    first: int
    statistics: Statistics
    ramp: int = 0


def contrast(frames: NDArray[np.uint8]) -> float:
    """Standard deviation of the pixel values (root mean square over R, G and B) of frames uint8 ``[K, H, W, 3]``."""
    seen = frames[:, ::2, ::2].reshape(-1, 3).astype(np.float32)
    return math.sqrt(seen.var(axis=0).mean())


def columns(frame: NDArray[np.uint8], count: int) -> list[NDArray[np.uint8]]:
    """Cuts a frame ``[H, W, 3]`` into columns of equal width and full height, to be measured one after the other.

    They overlap where the width is no multiple of ``count``. Columns are used rather than quadrants because each shows
    both sky and ground: with statistics pooled over four columns the style loss differs by 12 % from that of the whole
    frame on average, over four quadrants by 21 % (six clips).
    """
    width = frame.shape[1]
    count = min(count, width)
    size = -(-width // count)
    lefts = (round(i * (width - size) / max(count - 1, 1)) for i in range(count))
    return [frame[:, left : left + size] for left in lefts]


def reference_weight(scene: float, reference: float) -> float:
    """Weight of the reference picture, 0..1, with which a scene is measured; 0 unless the scene is flat.

    With this weight the contrast of both together is ``FLAT``.

    Args:
        scene: contrast of the scene.
        reference: contrast of the reference picture, above ``FLAT``.
    """
    return max(0.0, (FLAT**2 - scene**2) / (reference**2 - scene**2)) if scene < FLAT else 0.0


def pooled(measured: Sequence[Statistics], counts: Sequence[int] | None = None) -> Statistics:
    """Statistics of several pictures of one size as if they were one large picture.

    Args:
        measured: statistics with the same layers.
        counts: the number of pictures behind each; one where None.
    """
    found = {}
    for layer in measured[0]:
        means = np.stack([statistics[layer][0] for statistics in measured]).astype(np.float64)
        variances = np.stack([statistics[layer][1] for statistics in measured]).astype(np.float64)
        mean = np.average(means, axis=0, weights=counts)
        variance = np.average(variances + means**2, axis=0, weights=counts) - mean**2
        found[layer] = mean.astype(np.float32), np.maximum(variance, 0).astype(np.float32)
    return found


def between(one: Statistics, other: Statistics, share: float) -> Statistics:
    """Statistics interpolated linearly from ``one`` (``share`` 0) to ``other`` (1).

    Where only one of them has the layer "out", which corrects the painted colours (``folding.fold``), the other one's
    is taken to be equal to "line": the correction fades in or out.
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
    """How different two scenes are for the network: a root mean square over all channels of all layers.

    For each channel it combines the distance of the means, in standard deviations, and the logarithm of the ratio of
    the standard deviations. 0.1 is a tenth of a deviation, or a ratio of 1.1.
    """
    squares = []
    for layer in one.keys() & other.keys():
        (mean, variance), (other_mean, other_variance) = one[layer], other[layer]
        # 1e-3 is the network's EPSILON: channels without contrast are divided by its root.
        own, others = variance.astype(np.float64) + 1e-3, other_variance.astype(np.float64) + 1e-3
        squares.append(np.mean((mean - other_mean) ** 2 / np.sqrt(own * others) + 0.25 * np.log(own / others) ** 2))
    return math.sqrt(np.mean(squares))


def one_scene(measured: Sequence[Statistics]) -> bool:
    """Whether all these statistics belong to one scene: none differs from another by more than ``SAME``."""
    return all(difference(one, other) <= SAME for one, other in combinations(measured, 2))


def keyframe_segments(measurements: Iterable[Measurement], first: int) -> list[KeyframeSegment]:
    """The keyframe segments of a shot.

    Neighbouring measurements of the same scene are pooled if each is of several frames; between others, statistics are
    interpolated.

    Args:
        measurements: along the shot, in order.
        first: number of the first frame of the shot.
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


def ramp_steps(ramp: int, one: Statistics, other: Statistics) -> int:
    """The number of steps in a ramp of ``ramp`` frames: each is too small to see, and lasts at least one frame."""
    return max(1, min(ramp, math.ceil(difference(one, other) / STEP)))


def from_arrays(arrays: Mapping[str, Float], prefix: str) -> Statistics:
    """The inverse of ``to_arrays``; arrays with another prefix are ignored."""
    end = "/mean"
    names = sorted(n[len(prefix) : -len(end)] for n in arrays if n.startswith(prefix) and n.endswith(end))
    return {name: (arrays[f"{prefix}{name}/mean"], arrays[f"{prefix}{name}/variance"]) for name in names}


def to_arrays(statistics: Statistics, prefix: str) -> dict[str, Float]:
    """Statistics as arrays to store: ``PREFIX LAYER/mean`` and ``PREFIX LAYER/variance``, without the space."""
    return {
        f"{prefix}{layer}/{kind}": value
        for layer, values in statistics.items()
        for kind, value in zip(("mean", "variance"), values, strict=True)
    }
