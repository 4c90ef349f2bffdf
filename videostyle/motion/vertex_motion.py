"""Motion of the scene at the vertices of a coarse mesh, and how far it can be trusted.

Lengths are in *units*: 640ths of the frame's longer side, so that they hold for any size of picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from videostyle.frames import Float32Array, UInt8Array
from videostyle.media.opencv import load_cv2

UNITS = 640  # units of the longer side
SPACING = 16  # units between vertices, about
FINE = 4  # cells of the lattice, on which motion is smoothed, to a cell of the mesh, each way
SMOOTHING = 1.5  # deviation of the Gaussian that smooths motion, in cells of the lattice
CHECKED_SIDE = 320  # longer side of the picture on which motion is checked
SMALLEST_SIDE = 24  # pixels; optical flow needs patches
NOISE = 1.0  # grey levels that differ between frames of the same scene, at the least
ERROR = 0.3  # units; a motion whose error is estimated as this large is trusted by half


@dataclass(frozen=True)
class MeshShape:
    """Vertices of the mesh on frames of a given size.

    Attributes:
        rows: of vertices, those on the border included.
        columns: likewise.
        pitch: (horizontal, vertical) distance of vertices in units.
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


@dataclass(frozen=True)
class GreyPicture:
    """A frame as motion is measured on it: uint8, at the size of the flow and at that of the check."""

    flow: UInt8Array
    check: UInt8Array


@dataclass(frozen=True)
class VertexMotion:
    """Motion from a frame to the one before at the vertices of a mesh.

    Attributes:
        motion: float32 ``[rows, columns, 2]`` in units (x, y), smoothed; flow convention of ``motion.flow``.
        trust: float32 ``[rows, columns]``, 0..1; 0 where nothing is known (no texture, covered, flash).
    """

    motion: Float32Array
    trust: Float32Array


class MotionMeter:
    """Measures motion between small grey pictures with DIS (*source:* Kroeger et al. 2016).

    Args:
        shape: of the mesh.
        side: longer side of the picture that flow is measured on; larger is more exact and slower.
        preset: of DIS: "ultrafast", "fast" or "medium".
    """

    def __init__(self, shape: MeshShape, side: int = 640, preset: str = "fast") -> None:
        self.shape, self._side = shape, side
        cv2 = load_cv2()
        presets = {
            "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
            "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
            "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
        }
        self._dis: Any = cv2.DISOpticalFlow_create(presets[preset])

    def grey(self, frame: UInt8Array) -> GreyPicture:
        """A frame, uint8 ``[H, W, 3]`` RGB, as small grey pictures."""
        grey = load_cv2().cvtColor(frame, load_cv2().COLOR_RGB2GRAY)
        flow = _no_larger(grey, self._side)
        return GreyPicture(flow, _no_larger(flow, CHECKED_SIDE))

    def __call__(self, now: GreyPicture, before: GreyPicture) -> VertexMotion:
        """Motion from ``now`` to ``before``."""
        cv2 = load_cv2()
        if min(now.flow.shape) < SMALLEST_SIDE:
            nothing = np.zeros((self.shape.rows, self.shape.columns), np.float32)
            return VertexMotion(np.zeros((*nothing.shape, 2), np.float32), nothing)
        flow = self._dis.calc(now.flow, before.flow, None)
        lattice = (FINE * (self.shape.columns - 1), FINE * (self.shape.rows - 1))
        motion = cv2.resize(flow, lattice, interpolation=cv2.INTER_AREA) * (UNITS / max(now.flow.shape))
        trust = self._trust(now.check, before.check, flow, lattice)
        weighted = np.dstack([motion * trust[..., None], trust, motion])
        smooth = _at_vertices(cv2.GaussianBlur(weighted, (0, 0), SMOOTHING))
        trust = smooth[..., 2]
        # Where nothing is trusted the plain mean stands in: it is shown with a trust of nothing.
        motion = (smooth[..., :2] + 1e-3 * smooth[..., 3:]) / (trust + 1e-3)[..., None]
        return VertexMotion(np.ascontiguousarray(motion), np.ascontiguousarray(trust))

    def _trust(self, now: UInt8Array, before: UInt8Array, flow: Float32Array, lattice: tuple[int, int]) -> Float32Array:
        """How far ``flow`` can be trusted, 0..1, on the lattice.

        The error of a motion found by least squares is estimated from what differs between the pictures after
        the motion, and from the gradients in the direction in which they are weakest (the smaller eigenvalue of
        the structure tensor).
        """
        cv2 = load_cv2()
        height, width = now.shape
        small = flow
        if flow.shape[:2] != now.shape:
            scale = width / flow.shape[1]
            small = cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA) * np.float32(scale)
        x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
        there = np.dstack([small[..., 0] + x, small[..., 1] + y])
        moved = cv2.remap(before, there, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        error = cv2.absdiff(now, moved).astype(np.float32)
        along_x, along_y = (cv2.Scharr(now, cv2.CV_32F, *d, scale=1 / 32) for d in ((1, 0), (0, 1)))
        products = np.dstack([along_x * along_x, along_y * along_y, along_x * along_y, error * error])
        products = cv2.GaussianBlur(cv2.resize(products, lattice, interpolation=cv2.INTER_AREA), (0, 0), SMOOTHING)
        xx, yy, xy, residual = cv2.split(products)
        weakest = (xx + yy) / 2 - np.sqrt((xx - yy) ** 2 / 4 + xy * xy)
        pixels = 16  # that a patch of the flow has on the picture of the check
        unit = max(now.shape) / UNITS
        variance = (residual + NOISE**2) / (np.maximum(weakest, 1e-6) * pixels)
        trust = 1 / (1 + variance / (ERROR * unit) ** 2)
        left = (there[..., 0] < 0) | (there[..., 0] > width - 1) | (there[..., 1] < 0) | (there[..., 1] > height - 1)
        if left.any():
            trust *= 1 - cv2.resize(left.astype(np.float32), lattice, interpolation=cv2.INTER_AREA)
        return np.asarray(trust, np.float32)


def _no_larger(picture: UInt8Array, side: int) -> UInt8Array:
    """A picture whose longer side is at most ``side``."""
    cv2 = load_cv2()
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _at_vertices(lattice: Float32Array) -> Float32Array:
    """Means of the four cells of the lattice around each vertex of the mesh; at the border of those there are."""
    wide = np.pad(lattice, ((1, 1), (1, 1), (0, 0)), "edge")
    upper, lower = wide[:-1:FINE], wide[1::FINE]
    both = upper + lower
    return np.asarray((both[:, :-1:FINE] + both[:, 1::FINE]) / 4)
