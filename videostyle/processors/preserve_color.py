"""Keeps the colours of the clip in the painting."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field

from videostyle.frames import AnyArray, Float32Array, Float64Array, FrameBatch
from videostyle.media.opencv import load_cv2
from videostyle.processors.filters import LUMA, stored, unit
from videostyle.processors.protocol import Configured, Needs, Options

BINS = 256  # of a histogram
COUNTED = 65536  # pixels of a frame that count for statistics, about
LEVELS = 65536  # in which values are looked up
LEAST = 1e-4  # smallest variance, of values 0..1, that is taken to be one


class PreserveColorOptions(Options):
    """Which colours to keep, and how many."""

    mode: Literal["luminance", "mean", "histogram"] = Field(
        "luminance",
        description="luminance: lightness of the painting, colour of each pixel of the clip; mean: mean and covariance "
        "of the colours of a frame are the clip's; histogram: red, green and blue are as frequent as in the clip",
    )
    amount: float = Field(1.0, ge=0, le=1, description="0 the painting's colours, 1 the clip's")


class PreserveColor(Configured[PreserveColorOptions]):
    """Keeps the clip's own colours: of every pixel, or mean and covariance, or the histogram of each frame."""

    schema = PreserveColorOptions

    @property
    def needs(self) -> Needs:
        """The clip's own frames."""
        return Needs(original=True)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Gives each frame the colours of its original."""
        originals = batch.frames if batch.original is None else batch.original
        change = {"luminance": with_chroma_of, "mean": with_covariance_of, "histogram": with_histogram_of}
        frames = np.stack(
            [change[self.options.mode](frame, one) for frame, one in zip(batch.frames, originals, strict=True)]
        )
        return replace(batch, frames=mixed(batch.frames, frames, self.options.amount))


def mixed(one: AnyArray, other: AnyArray, share: float) -> AnyArray:
    """Frames between ``one`` (``share`` 0) and ``other`` (1), of the same shape and dtype, rounded."""
    if share >= 1.0:
        return other
    found = np.empty_like(one)
    for frame, first, second in zip(found, one, other, strict=True):
        load_cv2().addWeighted(first, 1.0 - share, second, share, 0.0, dst=frame)
    return found


def with_chroma_of(painted: AnyArray, original: AnyArray) -> AnyArray:
    """Luminance of ``painted`` with the chroma of ``original``.

    Args:
        painted: uint8 ``[H, W, 3]`` RGB, or uint16 0..65535.
        original: the same, or the other.

    Returns:
        Of the shape and dtype of ``painted``.
    """
    if painted.dtype == np.uint8 and original.dtype == np.uint8:
        cv2 = load_cv2()
        ycc = cv2.cvtColor(painted, cv2.COLOR_RGB2YCrCb)
        ycc[..., 1:] = cv2.cvtColor(original, cv2.COLOR_RGB2YCrCb)[..., 1:]
        return np.asarray(cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB), np.uint8)
    one, other = unit(painted), unit(original)
    # The same amount added to red, green and blue changes luminance alone.
    changed = other + ((one - other) @ LUMA)[..., None]
    return stored(np.asarray(changed, np.float32), painted.dtype)


def with_covariance_of(painted: AnyArray, original: AnyArray) -> AnyArray:
    """``painted`` with mean and covariance of the colours of ``original``; arguments as in ``with_chroma_of``.

    The linear map between the two that moves colours least.

    *Source:* Pitie and Kokaram 2007, The linear Monge-Kantorovitch linear colour mapping.
    """
    one = unit(painted)
    own, wanted = _moments(one), _moments(unit(original))
    root = _power(own[1], 0.5)
    back = _power(own[1], -0.5)
    turn = back @ _power(root @ wanted[1] @ root, 0.5) @ back
    matrix = np.column_stack([turn, wanted[0] - turn @ own[0]]).astype(np.float32)
    return stored(load_cv2().transform(one, matrix), painted.dtype)


def with_histogram_of(painted: AnyArray, original: AnyArray) -> AnyArray:
    """``painted`` with the histograms of red, green and blue of ``original``; arguments as in ``with_chroma_of``."""
    one, other = unit(painted), unit(original)
    places = np.linspace(0.0, 1.0, BINS + 1)
    found = np.empty_like(one)
    for channel in range(3):
        own, wanted = _cumulative(one[..., channel]), _cumulative(other[..., channel])
        curve = np.interp(own, wanted, places)  # of each level of the painting, the level of the clip
        fine = np.interp(np.linspace(0.0, 1.0, LEVELS), places, curve).astype(np.float32)
        found[..., channel] = fine[np.rint(one[..., channel] * np.float32(LEVELS - 1)).astype(np.intp)]
    return stored(found, painted.dtype)


def _counted(frame: Float32Array) -> Float32Array:
    """Rows and columns of a frame, evenly spread."""
    step = max(1, round((frame.shape[0] * frame.shape[1] / COUNTED) ** 0.5))
    return frame[::step, ::step]


def _moments(frame: Float32Array) -> tuple[Float64Array, Float64Array]:
    """Mean ``[3]`` and covariance ``[3, 3]`` of the colours of a frame."""
    colours = _counted(frame).reshape(-1, 3).astype(np.float64)
    mean = colours.mean(axis=0)
    apart = colours - mean
    return mean, apart.T @ apart / len(colours) + LEAST * np.eye(3)


def _power(matrix: Float64Array, power: float) -> Float64Array:
    """A power of a symmetric positive matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, LEAST**2) ** power) @ vectors.T, np.float64)


def _cumulative(values: Float32Array) -> Float64Array:
    """The share of values, 0..1, below each of ``BINS + 1`` levels; strictly rising, so that it can be inverted."""
    counts, _ = np.histogram(_counted(values), BINS, (0.0, 1.0))
    # A small even share keeps the values strictly rising.
    counts = counts / counts.sum() + 1e-6 / BINS
    return np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
