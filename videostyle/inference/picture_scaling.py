"""Scales pictures on the device, without aliasing and to the same whole levels everywhere.

A scaling is a multiplication by matrices of few entries near the diagonal, cut into blocks: operations that all devices
and other runtimes have. Pictures are whole numbers and entries are multiples of 1/128, so the sums are exact in float32
in any order: a picture is scaled to the same values in every batch and graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from keras import ops
from numpy.typing import NDArray

UNIT = 128  # entries of the matrices are multiples of 1/UNIT
BLOCK = 64  # output positions that are computed from one window of the input

Scaling = Callable[[Any], Any]  # from uint8 or float32 [B, H, W, C] to float32 [B, h, w, C], not clipped


class _Blocks(NamedTuple):
    """One direction of a scaling.

    Attributes:
        length: positions of the output.
        windows: the input positions that each block of ``BLOCK`` output positions reads, int32 ``[blocks, window]``.
        entries: their weights, float32 ``[blocks, BLOCK, window]``.
    """

    length: int
    windows: NDArray[np.int32]
    entries: NDArray[np.float32]


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic kernel, a = -1/2. *Source:* Keys 1981, Cubic convolution interpolation."""
    x = np.abs(x)
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _matrix(before: int, after: int) -> NDArray[np.float32]:
    """The scaling of a line of pixels, ``[after, before]``, with rows of sum 1.

    The kernel is as wide as is needed to scale down without aliasing. Beyond its ends, the line is continued by its
    mirror image.
    """
    ratio = before / after
    width = max(1.0, ratio)
    centres = (np.arange(after) + 0.5) * ratio - 0.5
    first = np.floor(centres - 2 * width).astype(int)
    places = first[:, None] + np.arange(math.ceil(4 * width) + 2)
    weights = _cubic((places - centres[:, None]) / width)
    whole = np.rint(UNIT * weights / weights.sum(axis=1, keepdims=True))
    # What rounding has added to the sum of a row is taken from its largest entry.
    row = np.arange(after)
    whole[row, whole.argmax(axis=1)] += UNIT - whole.sum(axis=1)
    period = places % (2 * before)
    inside = np.where(period < before, period, 2 * before - 1 - period)
    matrix = np.zeros((after, before), np.float32)
    np.add.at(matrix, (row[:, None], inside), whole / UNIT)
    return matrix


def _blocks(before: int, after: int) -> _Blocks:
    count = -(-after // BLOCK)
    matrix = np.concatenate([_matrix(before, after), np.zeros((count * BLOCK - after, before), np.float32)])
    used = (matrix.reshape(count, BLOCK, before) != 0).any(axis=1)
    first, last = used.argmax(axis=1), before - 1 - used[:, ::-1].argmax(axis=1)
    window = int((last - first).max()) + 1
    windows = np.minimum(first, before - window)[:, None] + np.arange(window)
    entries = np.stack([matrix[b * BLOCK : (b + 1) * BLOCK, windows[b]] for b in range(count)])
    return _Blocks(after, windows.astype(np.int32), entries)


def _rows_scaled(x: Any, by: _Blocks) -> Any:
    batch, height, width, channels = x.shape
    batch = -1 if batch is None else batch
    lines = ops.reshape(x, (batch, height, width * channels))
    read = ops.cast(ops.take(lines, by.windows, axis=1), "float32")
    found = ops.reshape(ops.matmul(by.entries, read), (batch, by.entries.shape[0] * BLOCK, width, channels))
    return found[:, : by.length]


def scaling(before: tuple[int, int], after: tuple[int, int]) -> Scaling:
    """The scaling of pictures from one size to another, each height and width in pixels."""
    rows, columns = _blocks(before[0], after[0]), _blocks(before[1], after[1])

    def columns_scaled(x: Any) -> Any:
        return ops.transpose(_rows_scaled(ops.transpose(x, (0, 2, 1, 3)), columns), (0, 2, 1, 3))

    def scaled(x: Any) -> Any:
        if after[0] < before[0]:  # columns, which are transposed for it, are scaled where there are fewer pixels
            return columns_scaled(_rows_scaled(x, rows))
        return _rows_scaled(columns_scaled(x), rows)

    return scaled


def to_bytes(values: Any) -> Any:
    """Values 0..255 of any float type as uint8, clipped and rounded to nearest."""
    # Casting truncates, so half a level is added to round. It is added in float32, because bfloat16 has whole levels
    # only from 128 up.
    return ops.cast(ops.clip(ops.cast(values, "float32") + 0.5, 0.0, 255.5), "uint8")


def to_words(values: Any) -> Any:
    """Values 0..255 of any float type as uint16 0..65535, clipped and rounded to nearest."""
    return ops.cast(ops.clip(257.0 * ops.cast(values, "float32") + 0.5, 0.0, 65535.5), "uint16")
