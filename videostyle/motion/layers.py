"""The two layers of the canvas, and masks on their mesh.

What stands before something else moves otherwise than it does. Carried by one mesh, the canvas would be crushed before
a moving thing and drawn out into rays behind it. With the thing on the second layer and the ground on the first, each
moves smoothly, and the ground runs on under the thing (*source:* layered motion, Wang and Adelson 1994). Both layers
lie on the same canvas: a place that goes over from one to the other at the same coordinates keeps its paint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import Float32Array
from videostyle.media.opencv import load_cv2
from videostyle.motion.mesh import MeshShape, distortion

Mask = NDArray[np.bool_]


@dataclass
class Layers:
    """Two layers of the canvas at the vertices of a mesh; changed in place.

    Attributes:
        places: float32 ``[2, rows, columns, 2]``, canvas coordinates in frame heights.
        owner: float32 ``[rows, columns]``, 0..1: the layer that a place belongs to.
        share: float32 ``[rows, columns]``, 0..1: how much of the second layer is seen; follows ``owner``.
        pitch: distance of columns and of rows in frame heights.
    """

    places: Float32Array
    owner: Float32Array
    share: Float32Array
    pitch: tuple[float, float]

    @classmethod
    def flat(cls, shape: MeshShape) -> Layers:
        """The canvas lying flat on the frame; only the first layer is in use."""
        flat = shape.places() / np.float32(shape.height)
        nothing = np.zeros((shape.rows, shape.columns), np.float32)
        pitch = (shape.pitch[0] / shape.height, shape.pitch[1] / shape.height)
        return cls(np.stack([flat, flat]), nothing, nothing.copy(), pitch)

    def single(self) -> bool:
        """Whether the second layer is nowhere in use."""
        return not (self.owner.any() or self.share.any())

    def second(self) -> Mask:
        """Vertices that belong to the second layer rather than to the first."""
        return np.asarray(self.owner > 0.5)

    def used(self, layer: int) -> Mask:
        """Where a layer is seen or owns places."""
        if layer:
            return np.asarray((self.share > 0) | (self.owner > 0))
        return np.asarray((self.share < 1) | (self.owner < 1))

    def distortions(self) -> Float32Array:
        """Of the cells of both layers, ``[2, rows - 1, columns - 1]``."""
        return distortion(self.places, self.pitch)

    def of_own(self, cells: Float32Array) -> Float32Array:
        """The most of the cells ``[2, rows - 1, columns - 1]`` around each vertex that are all its layer's."""
        second = self.second()
        return np.maximum(most_around(cells[0] * whole(~second)), most_around(cells[1] * whole(second)))


def most_around(cells: Float32Array) -> Float32Array:
    """The largest value of the cells ``[rows - 1, columns - 1]`` around each vertex, ``[rows, columns]``."""
    out = np.empty((cells.shape[0] + 1, cells.shape[1] + 1), cells.dtype)
    rows = np.empty((out.shape[0], cells.shape[1]), cells.dtype)
    rows[0], rows[-1] = cells[0], cells[-1]
    np.maximum(cells[1:], cells[:-1], out=rows[1:-1])
    out[:, 0], out[:, -1] = rows[:, 0], rows[:, -1]
    np.maximum(rows[:, 1:], rows[:, :-1], out=out[:, 1:-1])
    return out


def whole(mask: Mask) -> Mask:
    """Cells all of whose corners are set."""
    rows = mask[1:] & mask[:-1]
    return np.asarray(rows[:, 1:] & rows[:, :-1])


def dilated(mask: Mask, by: int) -> Mask:
    """A mask and what is at most ``by`` vertices from it."""
    cv2 = load_cv2()
    size = 2 * by + 1
    return np.asarray(cv2.dilate(mask.view(np.uint8), np.ones((size, size), np.uint8)) > 0)


def regions(mask: Mask) -> list[Mask]:
    """The connected parts of a mask."""
    if not mask.any():
        return []
    numbers, met = numbered(mask, mask)
    return [numbers == k for k in met]


def numbered(mask: Mask, near: Mask) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """The number of the connected part that each vertex belongs to, 0 for none; and of those parts that meet ``near``.

    The first is int32 ``[rows, columns]``, the second in order.
    """
    _, numbers = load_cv2().connectedComponents(mask.view(np.uint8), connectivity=8)
    return numbers, np.flatnonzero(np.bincount(numbers[mask & near]))


def fringed(owner: Float32Array) -> Float32Array:
    """The share that belongs to an owner: its border becomes two cells wide; 0 and 1 stay exactly that elsewhere."""
    cv2 = load_cv2()
    return np.asarray(cv2.sepFilter2D(owner, -1, _FRINGE, _FRINGE, borderType=cv2.BORDER_REPLICATE))


_FRINGE = np.array([0.25, 0.5, 0.25], np.float32)
