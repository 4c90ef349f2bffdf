"""Samples the canvas of a frame: from its mesh (``frames.CanvasMesh``) to noise at quarter resolution."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videostyle.errors import UsageError
from videostyle.frames import CanvasMesh
from videostyle.inference.tiling import frame_margins
from videostyle.media.opencv import load_cv2
from videostyle.network.canvas import CELL, CHANNELS, LARGEST_SEED, blended, enlargement, octaves, tile

Float = NDArray[np.float32]

SAME_SCALE = 1e-3  # largest difference from 1 of an enlargement that is treated as 1


@dataclass(frozen=True)
class CanvasSettings:
    """What a user chooses of the canvas.

    Attributes:
        amount: how much is painted where the scene shows nothing: 0 nothing, 1 as the style was trained.
        seed: another seed is another painting of the same clip.
    """

    amount: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.amount <= 1.0:
            raise UsageError(f"the canvas {self.amount:g} is outside 0..1", hint="give a number from 0 to 1")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise UsageError(f"the seed {self.seed} is out of range", hint=f"give a whole number, 0 to {LARGEST_SEED}")


def still_mesh(height: int, width: int) -> CanvasMesh:
    """The mesh of a scene that does not move: canvas and frame have the same coordinates."""
    x, y = np.meshgrid(np.linspace(0, width / height, 3), np.linspace(0, 1, 3))
    places = np.stack([x, y], axis=-1).astype(np.float32)
    return CanvasMesh(np.stack([places, places]), np.zeros(places.shape[:2], np.float32))


def same_mesh(one: CanvasMesh, other: CanvasMesh) -> bool:
    """Whether two meshes are equal."""
    if one is other:
        return True
    return np.array_equal(one.places, other.places) and np.array_equal(one.share, other.share)


def still_canvas(height: int, width: int, stride: int, settings: CanvasSettings) -> Float:
    """The canvas for a still camera and frames padded to multiples of ``stride``: float32 ``[h, w, CHANNELS]``."""
    return sample_canvas(still_mesh(height, width), height, width, settings, frame_margins(height, width, stride))


def _neighbours(places: NDArray[np.float64], vertices: int) -> tuple[NDArray[np.intp], Float]:
    """The vertex before each of ``places``, among vertices spread evenly over 0..1, and how far it is to the next.

    Places outside 0..1 are extrapolated. (``cv2.remap`` of OpenCV 4 rounds positions to 1/32 of the distance between
    two vertices, which is too coarse here.)
    """
    at = places * (vertices - 1)
    first = np.clip(np.floor(at), 0, vertices - 2).astype(np.intp)
    return first, np.asarray(at - first, np.float32)


def _between(values: Float, axis: int, first: NDArray[np.intp], share: Float) -> Float:
    """Values between neighbours along an axis."""
    weights = share.reshape(-1, *[1] * (values.ndim - axis - 1))
    near, next_ = values.take(first, axis), values.take(first + 1, axis)
    return np.asarray(near + weights * (next_ - near), np.float32)


def remapped(noise: Float, columns: Float, rows: Float) -> Float:
    """Bilinear samples of a tile, in steps of 1/32 texel: what ``network.canvas`` reads the noise with."""
    return np.asarray(load_cv2().remap(noise, columns, rows, load_cv2().INTER_LINEAR), np.float32)


def draw_ahead(seed: int) -> None:
    """Draws the noise of the canvas with that seed in a thread, half a second while the backend is loaded."""
    # No daemon: the interpreter must not end while OpenCV computes.
    threading.Thread(target=tile, args=(seed, remapped), name="canvas").start()


def sample_canvas(
    mesh: CanvasMesh,
    height: int,
    width: int,
    settings: CanvasSettings,
    margins: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> Float:
    """The canvas of one frame.

    Args:
        mesh: the positions of the frame's mesh vertices on the canvas.
        height: of the frame, pixels.
        width: of the frame, pixels.
        settings: amount and seed.
        margins: pixels added to the frame at its top, bottom, left and right; the sums are multiples of 4.

    Returns:
        float32 ``[h, w, CHANNELS]`` with h and w a quarter of the frame's sides with their margins.
    """
    top, bottom, left, right = margins
    rows, columns = (height + top + bottom) // CELL, (width + left + right) // CELL
    if not settings.amount:
        return np.zeros((rows, columns, CHANNELS), np.float32)
    cells = height / CELL  # cells in one unit of the mesh's coordinates
    down = _neighbours(((np.arange(rows) + 0.5) * CELL - top) / height, mesh.share.shape[0])
    across = _neighbours(((np.arange(columns) + 0.5) * CELL - left) / width, mesh.share.shape[1])
    # Steps of the mesh are wider than cells.
    step = width / CELL / (mesh.share.shape[1] - 1), cells / (mesh.share.shape[0] - 1)
    cv2 = load_cv2()

    def interpolated(values: Float) -> Float:
        # Not as a matrix product: the threads of NumPy's BLAS would busy-wait beside those of the network.
        if values.ndim == 2:
            return _between(_between(values, 0, *down), 1, *across)
        # Each coordinate in a plane of its own is interpolated faster than pairs are.
        return np.stack([interpolated(values[..., axis]) for axis in range(values.shape[-1])]).transpose(1, 2, 0)

    def layer(number: int) -> Float:
        places = mesh.places[number] * np.float32(cells)
        scale = np.asarray(cv2.blur(enlargement(places, step), (3, 3)), np.float32)
        near = np.abs(scale - 1).max() < SAME_SCALE
        return octaves(interpolated(places), 1.0 if near else interpolated(scale), remapped, settings.seed)

    if not mesh.share.any():
        canvas = layer(0)
    elif (mesh.share == 1).all():
        canvas = layer(1)
    else:
        between = interpolated((mesh.places[1] - mesh.places[0]) * np.float32(cells))
        # The layers are seen enlarged about alike where they lie near each other.
        scale = enlargement(mesh.places[0] * np.float32(cells), step)
        apart = np.hypot(between[..., 0], between[..., 1]) * interpolated(scale)
        canvas = blended(layer(0), layer(1), np.clip(interpolated(mesh.share), 0, 1), apart)
    return canvas * np.float32(settings.amount)
