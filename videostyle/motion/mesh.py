"""Geometry of the canvas mesh: sampling between and beyond its vertices, and how much it distorts. NumPy only.

Positions on a mesh are (column, row) in cells: vertex ``(i, j)`` is at ``(j, i)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import Float32Array

Complex = NDArray[np.complex64]

RINGS = 3  # rows and columns that a mesh is continued by on each side before it is sampled


def jacobians(places: Float32Array, pitch: tuple[float, float]) -> tuple[Complex, Complex]:
    """Derivatives of canvas coordinates at the middles of the cells, split into two complex numbers.

    A linear map of the plane is ``z -> a z + b conj(z)``: ``a`` turns and scales (a similarity), ``b`` is what
    distorts. ``|a| + |b|`` and ``|a| - |b|`` are its singular values, so that it folds where ``|b| >= |a|``.

    Args:
        places: ``[..., rows, columns, 2]`` canvas coordinates.
        pitch: distance of neighbouring columns and rows in the units of the result's denominator.

    Returns:
        ``a`` and ``b``, complex64 ``[..., rows - 1, columns - 1]``.
    """
    z = places[..., 0] + 1j * places[..., 1]
    along_x, along_y = np.diff(z, axis=-1) / pitch[0], np.diff(z, axis=-2) / pitch[1]
    along_x = (along_x[..., 1:, :] + along_x[..., :-1, :]) / 2
    along_y = (along_y[..., 1:] + along_y[..., :-1]) / 2
    a, b = (along_x - 1j * along_y) / 2, (along_x + 1j * along_y) / 2
    return a.astype(np.complex64), b.astype(np.complex64)


def distortion(places: Float32Array, pitch: tuple[float, float]) -> Float32Array:
    """How far each cell is from a similarity: ``|b| / |a|`` of ``jacobians``, ``[..., rows - 1, columns - 1]``.

    0 for a similarity, 1/5 where one direction is stretched 1.5 times against the other, 1/3 for twice, 1 and
    more where the mesh folds (*source:* the Beltrami coefficient of quasiconformal maps).
    """
    a, b = jacobians(places, pitch)
    return np.asarray(np.abs(b) / np.maximum(np.abs(a), 1e-12), np.float32)


def _continued(values: Float32Array, step: Float32Array) -> Float32Array:
    """``values`` ``[rows, columns, K]`` continued upwards and downwards by ``RINGS`` rows.

    Each further row is the one before, smoothed a little along the border, plus ``step`` ``[2, columns, K]`` (of
    the upper and the lower border): unevenness of the border dies out instead of running on as streaks.
    """
    rows = values.shape[0]
    out = np.empty((rows + 2 * RINGS, *values.shape[1:]), np.float32)
    out[RINGS : RINGS + rows] = values
    slope = step
    for ring in range(RINGS):
        for at, towards, side in ((RINGS - 1 - ring, 1, 0), (RINGS + rows + ring, -1, 1)):
            before = out[at + towards]
            out[at] = before
            out[at, 1:-1] += (before[:-2] - 2 * before[1:-1] + before[2:]) / 4
            out[at] += slope[side]
    return out


def continued(places: Float32Array, pitch: tuple[float, float]) -> Float32Array:
    """Canvas coordinates ``[rows, columns, 2]`` continued by ``RINGS`` vertices on each side.

    Beyond the border they run on with the similarity that fits the border's surroundings, so that what enters the
    picture is undistorted.
    """
    a, _ = jacobians(places, pitch)
    depth = min(3, *a.shape)
    out = places
    for axis in (0, 1):  # rows above and below, then columns left and right
        near = np.stack([_line(a, axis, slice(0, depth)), _line(a, axis, slice(-depth, None))])
        if axis == 0:
            step = near * (1j * pitch[1])
            out = _continued(out, _as_real(np.stack([-step[0], step[1]])))
        else:
            step = np.pad(near * pitch[0], ((0, 0), (RINGS, RINGS)), "edge")
            out = _continued(out.swapaxes(0, 1), _as_real(np.stack([-step[0], step[1]]))).swapaxes(0, 1)
    return out


def _line(a: Complex, axis: int, cells: slice) -> Complex:
    """Similarities at the vertices along one border: mean over its ``cells`` and over neighbours along it."""
    line = a[cells].mean(axis=0) if axis == 0 else a[:, cells].mean(axis=1)
    wide = np.pad(line, 3, "edge")
    total = np.cumsum(np.concatenate([[0], wide]))
    return np.asarray((total[6:] - total[:-6]) / 6, np.complex64)


def _as_real(z: Complex) -> Float32Array:
    return np.stack([z.real, z.imag], axis=-1).astype(np.float32)


def cubic(values: Float32Array, x: Float32Array, y: Float32Array) -> Float32Array:
    """Samples of ``[rows, columns, K]`` at columns ``x`` and rows ``y`` (of one shape), by cubic convolution.

    Exact for linear and quadratic values; at whole positions exactly the value there. All 16 neighbours must
    exist. *Source:* Keys 1981, a = -1/2.
    """
    rows, columns, depth = values.shape
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    first = ((top - 1) * columns + left - 1).reshape(-1, 1)
    near = first + (np.arange(4)[:, None] * columns + np.arange(4)).ravel()
    across, down = _weights((x - left).ravel()), _weights((y - top).ravel())
    weights = (down[:, :, None] * across[:, None, :]).reshape(-1, 1, 16)
    return np.matmul(weights, values.reshape(rows * columns, depth)[near]).reshape(*x.shape, depth)


def _weights(t: Float32Array) -> Float32Array:
    t = t.astype(np.float32)
    return np.stack(
        [
            ((2 - t) * t - 1) * t / 2,
            ((3 * t - 5) * t * t + 2) / 2,
            ((4 - 3 * t) * t + 1) * t / 2,
            (t - 1) * t * t / 2,
        ],
        axis=-1,
    )


def sample_continued(wide: Float32Array, x: Float32Array, y: Float32Array) -> Float32Array:
    """Samples of what ``continued`` returned at columns ``x`` and rows ``y`` of the mesh before it was continued.

    Beyond the rings too the values run on in a straight line.
    """
    rows, columns = wide.shape[0] - 2 * RINGS, wide.shape[1] - 2 * RINGS
    low, high_x, high_y = 2 - RINGS, columns + RINGS - 3, rows + RINGS - 3
    inner_x, inner_y = np.clip(x, low, high_x).astype(np.float32), np.clip(y, low, high_y).astype(np.float32)
    out = cubic(wide, inner_x + RINGS, inner_y + RINGS)
    over_x, over_y = x - inner_x, y - inner_y
    if over_x.any() or over_y.any():
        row, column = np.rint(inner_y).astype(np.intp) + RINGS, np.rint(inner_x).astype(np.intp) + RINGS
        out += (wide[row, column + 1] - wide[row, column - 1]) / 2 * over_x[..., None]
        out += (wide[row + 1, column] - wide[row - 1, column]) / 2 * over_y[..., None]
    return out
