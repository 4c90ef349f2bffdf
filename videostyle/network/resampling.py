"""Steps between resolutions, written as the convolutions that the style network computes.

The trained kernels are small (3x3 on features, 5x5 on the picture) and work at the higher resolution, after an
interpolation or before a low-pass. ``expand_weights`` combines each with its interpolation or low-pass into one
convolution at the lower resolution, which is what is computed (``style_network`` says why). This costs little compared
with painting a frame.

*Phases* of a picture are its pixels after ``space_to_depth`` by 2: each position at the lower resolution holds the
channels of 2x2 pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

Tensor = Any  # a tensor of the Keras backend
Weights = Mapping[str, Tensor]

STEPS_UP = ("head", "fine", "out")  # layers, from low to full resolution


def expand_weights(weights: Weights) -> dict[str, Tensor]:
    """The arrays that the convolutions use: kernels of steps up and down are combined as the module says."""
    expanded = {name: value for name, value in weights.items() if not name.endswith("/detail")}
    for name in ("stem", "down"):
        expanded[f"{name}/kernel"] = antialiased(weights[f"{name}/kernel"])
    for name in STEPS_UP:
        expanded[f"{name}/kernel"], expanded[f"{name}/bias"] = interleaved(weights, name)
    return expanded


def space_to_depth(x: Tensor, block: int) -> Tensor:
    """``[N, H, W, C]`` to ``[N, H/block, W/block, block * block * C]``, channels ordered (row, column, channel)."""
    n, h, w, c = x.shape[0], x.shape[1], x.shape[2], x.shape[3]
    n = -1 if n is None else n
    x = ops.reshape(x, (n, h // block, block, w // block, block, c))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (n, h // block, w // block, block * block * c))


def depth_to_space(x: Tensor, block: int) -> Tensor:
    """The inverse of ``space_to_depth``."""
    n, h, w, c = x.shape[0], x.shape[1], x.shape[2], x.shape[3]
    n = -1 if n is None else n
    c //= block * block
    x = ops.reshape(x, (n, h, w, block, block, c))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (n, h * block, w * block, c))


def resize_up(x: Tensor) -> Tensor:
    """``[N, H, W, C]`` to ``[N, 2H, 2W, C]``, bilinear with pixel centres aligned."""
    height, width = x.shape[1], x.shape[2]
    if height is None or width is None:
        raise ValueError("the network needs a fixed height and width")
    if keras.backend.backend() == "tensorflow":  # which has an operation for it; JAX multiplies by dense matrices
        return ops.image.resize(x, (2 * height, 2 * width), interpolation="bilinear", data_format="channels_last")
    for axis in (1, 2):
        before, here, after = (_moved(x, axis, by) for by in (-1, 0, 1))
        both = ops.stack([0.25 * before + 0.75 * here, 0.75 * here + 0.25 * after], axis=axis + 1)
        x = ops.reshape(both, (-1, *(2 * n if place == axis else n for place, n in enumerate(x.shape) if place)))
    return x


def _moved(x: Tensor, axis: int, by: int) -> Tensor:
    """``x`` moved along an axis by one position, its edge repeated; as it is where ``by`` is 0."""
    first, last = (0, x.shape[axis]) if not by else (max(0, by), x.shape[axis] + min(0, by))
    inner = x[:, first:last] if axis == 1 else x[:, :, first:last]
    if not by:
        return inner
    edge = slice(0, 1) if by < 0 else slice(x.shape[axis] - 1, None)
    edge_part = x[:, edge] if axis == 1 else x[:, :, edge]
    return ops.concatenate([edge_part, inner] if by < 0 else [inner, edge_part], axis=axis)


def _flipped(groups: tuple[int, ...], axis: int) -> NDArray[np.int32]:
    """Order of channels that swaps the phases along an axis (0 rows, 1 columns) in all groups but the first."""
    order, start = [np.arange(groups[0])], groups[0]
    for size in groups[1:]:
        order.append(np.flip(start + np.arange(size).reshape(2, 2, -1), axis).ravel())
        start += size
    return np.concatenate(order).astype(np.int32)


def mirrored(x: Tensor, groups: tuple[int, ...] = (), reach: int = 1) -> Tensor:
    """Pads ``[N, H, W, C]`` by ``reach`` rows and columns of its mirror image on each side.

    Args:
        x: features.
        groups: number of channels without phases, then number of channels of each group of 2x2 phases, whose phases
            are swapped in the mirror image. Empty = no channel has phases.
        reach: rows and columns to add on each side.
    """
    # Concatenated slices take two thirds of the time of a symmetric pad (TensorFlow, CPU).
    for axis in (1, 2):
        first, last = (x[:, :reach], x[:, -reach:]) if axis == 1 else (x[:, :, :reach], x[:, :, -reach:])
        if reach > 1:
            first, last = ops.flip(first, axis), ops.flip(last, axis)
        if groups:
            order = _flipped(groups, axis - 1)
            first, last = ops.take(first, order, axis=-1), ops.take(last, order, axis=-1)
        x = ops.concatenate([first, x, last], axis=axis)
    return x


def halved(phases: Tensor) -> Tensor:
    """The picture at half size after a low-pass of 1 3 3 1 in both directions: from 12 channels of phases to 3."""
    taps = np.array([[0, 1], [3, 3], [1, 0]], np.float32) / 8  # [cell, phase]
    kernel = np.einsum("yi,xj,cd->yxijcd", taps, taps, np.eye(3, dtype=np.float32)).reshape(3, 3, 12, 3)
    return ops.conv(mirrored(phases, (0, 12)), ops.cast(kernel, phases.dtype), padding="valid")


def antialiased(kernel: Tensor) -> Tensor:
    """A 3x3 kernel after a low-pass of 1 3 3 1 in both directions, as one 6x6 kernel for a stride of 2.

    Without the low-pass, the features of the deep branch would depend on the position of the picture on their grid, and
    large strokes would jump when the scene moves by less than a cell. An even kernel size also puts the centre of a
    cell where bilinear upsampling expects it.

    *Source:* Zhang 2019, Making convolutional networks shift-invariant again.
    """
    blur = np.zeros((6, 3), np.float32)
    for tap in range(3):
        blur[tap : tap + 4, tap] = np.array([1, 3, 3, 1]) / 8
    return ops.einsum("at,bu,tucd->abcd", blur, blur, kernel)


def interleaved(weights: Weights, name: str) -> tuple[Tensor, Tensor]:
    """One step up as a 3x3 convolution at the lower resolution: its kernel and bias.

    The input is the features, then the picture in 2x2 phases (12 channels); the output is in 2x2 phases.
    "out" keeps the resolution: its features come in phases as well.

    Returns:
        Kernel ``[3, 3, in + 12, 4 * out]`` and bias ``[4 * out]``.
    """
    kernel, detail = weights[f"{name}/kernel"], weights[f"{name}/detail"]
    width, into = kernel.shape[2], kernel.shape[3]
    # Mean zero over the taps: even colours must pass through the trunk and not around it.
    detail = detail - ops.mean(detail, axis=(0, 1), keepdims=True)
    if name == "out":
        rows = _taps(3)
        main = ops.einsum("ayit,bxju,tucd->yxijcabd", rows, rows, kernel)
        main = ops.reshape(main, (3, 3, 4 * width, 4 * into))
    else:
        rows = _spline_taps() if name == "fine" else _interpolated_taps()
        main = ops.reshape(ops.einsum("ayt,bxu,tucd->yxcabd", rows, rows, kernel), (3, 3, width, 4 * into))
    rows = _taps(5)
    fine = ops.reshape(ops.einsum("ayit,bxju,tucd->yxijcabd", rows, rows, detail), (3, 3, 12, 4 * into))
    return ops.concatenate([main, fine], axis=2), ops.tile(weights[f"{name}/bias"], 4)


def _taps(size: int) -> NDArray[np.float32]:
    """Positions of the taps of a 1-D kernel at full resolution in cells of two pixels.

    Returns:
        ``[2, 3, 2, size]``: 1 where, for output phase p, the tap t reads phase q of the cell at offset s - 1.
    """
    table = np.zeros((2, 3, 2, size), np.float32)
    for p in range(2):
        for t in range(size):
            cell, q = divmod(p + t - size // 2, 2)
            table[p, cell + 1, q, t] = 1.0
    return table


def _interpolated_taps() -> NDArray[np.float32]:
    """Weights at the lower resolution of a 1-D kernel with 3 taps after bilinear upsampling by 2.

    Returns:
        ``[2, 3, 3]``: weight of the position at offset s - 1 for output phase p and tap t. A pixel at the higher
        resolution is three quarters of the one it lies in plus a quarter of the nearest neighbour.
    """
    share = np.array([[0.25, 0.75, 0.0], [0.0, 0.75, 0.25]], np.float32)  # [phase, offset + 1]
    table = np.zeros((2, 3, 3), np.float32)
    for p in range(2):
        for t in range(3):
            cell, q = divmod(p + t - 1, 2)
            for offset in range(3):
                if share[q, offset]:
                    table[p, cell + offset, t] += share[q, offset]
    return table


def _spline_taps() -> NDArray[np.float32]:
    """As ``_interpolated_taps`` for a quadratic B-spline, three positions wide, and a kernel of 1 tap: ``[2, 3, 1]``.

    *Source:* Unser 1999, Splines: a perfect fit for signal and image processing.
    """
    at = np.array([-0.25, 0.25], np.float32)  # of both phases, from the centre of their position
    return np.stack([0.5 * (0.5 - at) ** 2, 0.75 - at**2, 0.5 * (0.5 + at) ** 2], axis=1)[..., None]
