"""Geometry of the canvas mesh: sampling between and beyond its vertices, and how much it distorts.

Positions on a mesh are (column, row) in cells: vertex ``(i, j)`` is at ``(j, i)``. Lengths on a frame are in
*units*, 640ths of its longer side, so that they hold for any size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import Float32Array
from videostyle.media.opencv import load_cv2

Complex = NDArray[np.complex64]

UNITS = 640  # units of the longer side
SPACING = 16  # units between vertices, about
RINGS = 3  # rows and columns that a mesh is continued by on each side before it is sampled
AROUND = 5  # cells along and from the border that say how a mesh is continued


@dataclass(frozen=True)
class MeshShape:
    """Vertices of the mesh on frames of a given size.

    Attributes:
        rows: of vertices, those on the border included.
        columns: likewise.
        pitch: distance of neighbouring columns and of neighbouring rows in units.
        height: of a frame in units.
    """

    rows: int
    columns: int
    pitch: tuple[float, float]
    height: float

    @classmethod
    def of(cls, height: int, width: int) -> MeshShape:
        """The mesh of frames of ``height`` by ``width`` pixels."""
        unit = UNITS / max(height, width)
        columns, rows = (max(2, round(side * unit / SPACING) + 1) for side in (width, height))
        return cls(rows, columns, (width * unit / (columns - 1), height * unit / (rows - 1)), height * unit)

    def places(self) -> Float32Array:
        """Positions (x, y) of the vertices in units, float32 ``[rows, columns, 2]``."""
        x, y = np.arange(self.columns) * self.pitch[0], np.arange(self.rows) * self.pitch[1]
        return np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32)


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
    z = np.ascontiguousarray(places, np.float32).view(np.complex64)[..., 0]
    falling, rising = z[..., 1:, 1:] - z[..., :-1, :-1], z[..., :-1, 1:] - z[..., 1:, :-1]
    along_x = (falling + rising) * np.float32(0.25 / pitch[0])
    along_y = (falling - rising) * np.complex64(0.25j / pitch[1])
    return along_x - along_y, along_x + along_y


def distortion(places: Float32Array, pitch: tuple[float, float]) -> Float32Array:
    """How far each cell is from a similarity: ``|b| / |a|`` of ``jacobians``, ``[..., rows - 1, columns - 1]``.

    0 for a similarity, 1/5 where one direction is stretched 1.5 times against the other, 1/3 for twice, 1 and
    more where the mesh folds (*source:* the Beltrami coefficient of quasiconformal maps).
    """
    a, b = jacobians(places, pitch)
    return np.asarray(np.abs(b) / np.maximum(np.abs(a), np.float32(1e-12)), np.float32)


def continued(places: Float32Array, pitch: tuple[float, float]) -> Float32Array:
    """Canvas coordinates ``[rows, columns, 2]`` continued by ``RINGS`` vertices on each side.

    Beyond the border they run on with the similarity that fits the border's surroundings, so that what enters the
    picture is undistorted.
    """
    z = np.ascontiguousarray(places, np.float32).view(np.complex64)[..., 0]
    rows, columns = z.shape
    wide = np.empty((rows + 2 * RINGS, columns + 2 * RINGS), np.complex64)
    wide[RINGS:-RINGS, RINGS:-RINGS] = z
    a, _ = jacobians(places, pitch)
    a = load_cv2().blur(a.view(np.float32).reshape(*a.shape, 2), (AROUND, AROUND)).view(np.complex64)[..., 0]
    a = a[np.minimum(np.arange(rows), rows - 2)][:, np.minimum(np.arange(columns), columns - 2)]
    deep, wide_side = min(AROUND // 2, rows - 1), np.clip(np.arange(-RINGS, rows + RINGS), 0, rows - 1)
    _run_on(wide[:, RINGS:-RINGS], RINGS, 1, a[deep] * np.complex64(-1j * pitch[1]))
    _run_on(wide[:, RINGS:-RINGS], RINGS + rows - 1, -1, a[-1 - deep] * np.complex64(1j * pitch[1]))
    deep = min(AROUND // 2, columns - 1)
    _run_on(wide.T, RINGS, 1, a[wide_side, deep] * np.complex64(-pitch[0]))
    _run_on(wide.T, RINGS + columns - 1, -1, a[wide_side, -1 - deep] * np.complex64(pitch[0]))
    return wide.view(np.float32).reshape(*wide.shape, 2)


def _run_on(z: Complex, border: int, inwards: int, step: Complex) -> None:
    """Fills the ``RINGS`` rows of ``z`` outside of row ``border``, each a ``step`` further.

    Each is smoothed a little along the border: its unevenness dies out instead of running on as streaks.
    """
    for ring in range(RINGS):
        before, row = z[border - ring * inwards], z[border - (ring + 1) * inwards]
        row[:] = before + step
        row[1:-1] += (before[:-2] + before[2:]) * np.float32(0.25) - before[1:-1] * np.float32(0.5)


def cubic(places: Float32Array, x: Float32Array, y: Float32Array) -> Float32Array:
    """Samples of ``[rows, columns, 2]`` at columns ``x`` and rows ``y`` (of one shape), by cubic convolution.

    Exact for linear and quadratic values; at whole positions exactly the value there. All 16 neighbours must
    exist. *Source:* Keys 1981, a = -1/2.
    """
    z = np.ascontiguousarray(places, np.float32).view(np.complex64).ravel()
    columns = places.shape[1]
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    near = ((top - 1) * columns + left - 1).reshape(-1, 1, 1) + np.arange(4)[:, None] * columns + np.arange(4)
    across, down = _weights((x - left).ravel()), _weights((y - top).ravel())
    rows = (z[near] * across[:, None, :]).sum(axis=2)
    return (rows * down).sum(axis=1).view(np.float32).reshape(*x.shape, 2)


def _weights(t: Float32Array) -> Float32Array:
    """Of the four neighbours of positions ``t`` ``[N]`` between the middle two, ``[N, 4]``."""
    t = t.astype(np.float32)
    return np.asarray(np.stack([np.ones_like(t), t, t * t, t * t * t], axis=1) @ _KEYS, np.float32)


_KEYS = np.array([[0, 1, 0, 0], [-0.5, 0, 0.5, 0], [1, -2.5, 2, -0.5], [-0.5, 1.5, -1.5, 0.5]], np.float32)


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
