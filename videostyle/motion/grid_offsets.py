"""Where frames lie on the network's grid of cells: the grid goes along with the camera.

A network that computes at an eighth of the resolution paints alike what has moved by 8 pixels, and a little otherwise
what has moved by any other number: a scene that moves through its cells shimmers. So each frame is put on the grid with
an offset by which the scene, from one frame to the next, moves against the grid by half a pixel at most.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import CanvasMesh, Float32Array

Whole = NDArray[np.int32]


def camera_move(before: CanvasMesh, now: CanvasMesh) -> Float32Array:
    """How far the canvas has moved under the camera between two frames: the median over the mesh.

    Args:
        before: the mesh of one frame.
        now: that of the next, of the same shape.

    Returns:
        float32 ``[2]``, (x, y) in units of the frame's height; what is seen at p lay at p + this on the frame before.
    """
    if before is now:
        return np.zeros(2, np.float32)
    moved = np.where((now.share > 0.5)[..., None], now.places[1] - before.places[1], now.places[0] - before.places[0])
    return np.asarray(np.median(moved.reshape(-1, 2), axis=0), np.float32)


def grid_offsets(moves: NDArray[np.floating], height: int) -> Whole:
    """The offset of each frame: the sum of the camera's moves so far, each rounded to whole pixels.

    Rounded one by one, a scene that creeps is left where it is: it would jump by a pixel now and then if the sum were
    rounded, and a jump is seen more than creeping.

    Args:
        moves: ``[F, 2]`` from ``camera_move``; that of the first frame of a shot may have any value.
        height: at which frames are painted, pixels.

    Returns:
        int32 ``[F, 2]``, (x, y): pixel p of a frame shall lie at p plus this on the grid, modulo its cells.
    """
    return np.cumsum(np.rint(moves * height), axis=0).astype(np.int32)
