"""Geometry of the canvas mesh: sampling between and beyond its vertices, and how much it distorts.

Positions on a mesh are (column, row) in cells: vertex ``(i, j)`` is at ``(j, i)``. Lengths on a frame are in
*units*, 640ths of its longer side, so that they hold for any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import Float32Array

Complex = NDArray[np.complex64]

UNITS = 640  # units of the longer side
SPACING = 16  # units between vertices, about


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
    return np.sqrt(squares(b) / np.maximum(squares(a), np.float32(1e-24)))


def squares(numbers: Complex) -> Float32Array:
    """``|numbers|^2``; ``np.abs`` is slower, because it guards against overflow."""
    return numbers.real * numbers.real + numbers.imag * numbers.imag


def sampled(places: Float32Array, pitch: tuple[float, float], x: Float32Array, y: Float32Array) -> Float32Array:
    """Canvas coordinates at columns ``x`` and rows ``y`` ``[N]`` of a mesh ``[rows, columns, 2]``: ``[N, 2]``.

    Sampled by cubic convolution: at whole positions exactly the value there. Beyond the border the coordinates run on
    with the similarity that fits the whole mesh, so that what enters the picture is undistorted.
    *Source:* Keys 1981, a = -1/2.
    """
    z = np.ascontiguousarray(places, np.float32).view(np.complex64)[..., 0]
    rows, columns = z.shape
    a, _ = jacobians(places, pitch)
    slope = np.complex64(complex(middle(a.real), middle(a.imag)))
    beside = np.empty((rows + 3, columns + 3), np.complex64)
    np.subtract(z, slope * _flat(rows, columns, pitch), out=beside[1:-2, 1:-2])
    beside[0], beside[-2], beside[-1] = beside[1], beside[-3], beside[-3]
    beside[:, 0], beside[:, -2], beside[:, -1] = beside[:, 1], beside[:, -3], beside[:, -3]
    at_x, at_y = np.clip(x, 0, columns - 1), np.clip(y, 0, rows - 1)
    left, top = np.floor(at_x), np.floor(at_y)
    steps = np.arange(4)
    near = (steps[:, None] * (columns + 3) + steps)[..., None] + (top * (columns + 3) + left).astype(np.intp)
    found = (beside.take(near) * _weights(at_x - left)).sum(axis=1)
    found = (found * _weights(at_y - top)).sum(axis=0)
    found += slope * (x * np.float32(pitch[0]) + np.complex64(1j * pitch[1]) * y)
    return found.astype(np.complex64, copy=False)[:, None].view(np.float32)


def middle(values: NDArray[np.float32]) -> np.float32:
    """The median of at least one value; ``np.median`` takes ten times as long for so few."""
    low, high = (values.size - 1) // 2, values.size // 2
    ordered = np.partition(values, (low, high), axis=None)
    return np.float32((ordered[low] + ordered[high]) / 2)


@lru_cache(maxsize=8)
def _flat(rows: int, columns: int, pitch: tuple[float, float]) -> Complex:
    """The vertices of a mesh that lies flat, as complex numbers, ``[rows, columns]``."""
    flat = np.arange(columns) * pitch[0] + 1j * (np.arange(rows) * pitch[1])[:, None]
    return flat.astype(np.complex64)


def _weights(t: Float32Array) -> Float32Array:
    """Of the four neighbours of positions ``t`` ``[N]`` between the middle two, ``[4, N]``."""
    square = t * t
    return np.asarray(_KEYS @ np.stack([np.ones_like(t), t, square, square * t]), np.float32)


_KEYS = np.array([[0, -0.5, 1, -0.5], [1, 0, -2.5, 1.5], [0, 0.5, 2, -1.5], [0, 0, -0.5, 0.5]], np.float32)
