"""Motion of the scene between two frames, and how far it can be trusted.

Motion is measured by dense optical flow on small grey pictures and kept on a *lattice* of ``FINE`` by ``FINE`` cells
to a cell of the canvas mesh. Lengths are in units (``motion.mesh``), grey levels are 0..255.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from videostyle.frames import Float32Array, UInt8Array
from videostyle.media.opencv import load_cv2
from videostyle.motion.mesh import UNITS, MeshShape

FINE = 2  # cells of the lattice to a cell of the mesh, each way
SMOOTHING = 0.7  # deviation of the Gaussian that smooths motion, in cells of the lattice
SMALLEST_SIDE = 24  # pixels; optical flow needs patches
PATCH = 8  # pixels of a side of the flow's patches
NOISE = 1.0  # grey levels that differ between frames of the same scene, at the least
GRADIENT_OF_NOISE = 0.2  # squared gradient that noise feigns, to its squared difference between frames
ERROR = 0.3  # units; a motion whose error is estimated as this large is trusted by half
LEAVING = 0.25  # pixels; motion that may take a patch out of the picture
LITTLE = 1e-3  # trust that every motion has, so that there is a mean where none has any


@dataclass(frozen=True)
class GreyPicture:
    """A frame as its motion is measured, uint8: at the size of the flow, and at half of it for what is checked."""

    flow: UInt8Array
    check: UInt8Array


@dataclass(frozen=True)
class SceneMotion:
    """Motion from a frame to the one before, on the lattice.

    Attributes:
        motion: float32 ``[h, w, 2]`` in units (x, y); a place p was at p + motion(p).
        trust: float32 ``[h, w]``, 0..1; 0 where nothing is known (no texture, covered, flash).
    """

    motion: Float32Array
    trust: Float32Array

    def at_vertices(self, weight: Float32Array | None = None) -> tuple[Float32Array, Float32Array]:
        """Smoothed motion ``[rows, columns, 2]`` and trust ``[rows, columns]`` at the vertices of the mesh.

        Args:
            weight: of each cell of the lattice, ``[h, w]``; with none all count alike.
        """
        cv2 = load_cv2()
        trust = self.trust + np.float32(LITTLE)
        if weight is not None:
            trust *= weight
            trust += np.float32(LITTLE * LITTLE)
        around = at_vertices(cv2.GaussianBlur(cv2.merge([self.motion * trust[..., None], trust]), (0, 0), SMOOTHING))
        known = around[..., 2]
        return around[..., :2] / known[..., None], np.maximum(known - np.float32(LITTLE), 0)


class MotionMeter:
    """Measures motion with DIS optical flow (*source:* Kroeger et al. 2016).

    Args:
        shape: of the mesh.
        side: longer side of the picture that flow is measured on; larger is more exact and slower.
        preset: of DIS: "ultrafast", "fast" or "medium".
    """

    def __init__(self, shape: MeshShape, side: int = 640, preset: str = "fast") -> None:
        self._shape, self._side = shape, side
        cv2 = load_cv2()
        presets = {
            "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
            "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
            "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
        }
        self._dis: Any = cv2.DISOpticalFlow_create(presets[preset])

    def grey(self, frame: UInt8Array) -> GreyPicture:
        """A frame, uint8 ``[H, W, 3]`` RGB, as small grey pictures."""
        cv2 = load_cv2()
        flow = _no_larger(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), self._side)
        return GreyPicture(flow, _no_larger(flow, self._side // 2))

    def __call__(self, now: GreyPicture, before: GreyPicture) -> SceneMotion:
        """Motion from ``now`` to ``before``."""
        cv2 = load_cv2()
        lattice = (FINE * (self._shape.columns - 1), FINE * (self._shape.rows - 1))
        if min(now.flow.shape) < SMALLEST_SIDE:
            nothing = np.zeros(lattice[::-1], np.float32)
            return SceneMotion(np.zeros((*nothing.shape, 2), np.float32), nothing)
        flow = self._dis.calc(now.flow, before.flow, None)
        motion = cv2.resize(flow, lattice, interpolation=cv2.INTER_AREA)
        motion *= np.float32(UNITS / max(now.flow.shape))
        return SceneMotion(motion, self._trust(now.check, before.check, flow, lattice))

    def _trust(
        self, now: UInt8Array, before: UInt8Array, flow: Float32Array, lattice: tuple[int, int]
    ) -> Float32Array:
        """How far ``flow`` can be trusted, 0..1, on the lattice.

        The error of a motion that was found by least squares is estimated from what still differs between the
        pictures, and from the gradients in the direction in which they are weakest (the smaller eigenvalue of the
        structure tensor).
        """
        cv2 = load_cv2()
        height, width = now.shape
        scale = np.float32(width / flow.shape[1])
        moves = cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA) * scale
        x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
        there = cv2.merge([moves[..., 0] + x, moves[..., 1] + y])
        moved = cv2.remap(before, there, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        error = cv2.absdiff(now, moved)
        along_x, along_y = (cv2.Scharr(now, cv2.CV_32F, *axis, scale=1 / 32) for axis in ((1, 0), (0, 1)))
        products = cv2.merge(
            [along_x * along_x, along_y * along_y, along_x * along_y, cv2.multiply(error, error, dtype=cv2.CV_32F)]
        )
        products = cv2.GaussianBlur(cv2.resize(products, lattice, interpolation=cv2.INTER_AREA), (0, 0), SMOOTHING)
        xx, yy, xy, residual = cv2.split(products)
        weakest = smaller_eigenvalue(xx, yy, xy) - np.float32(GRADIENT_OF_NOISE) * residual
        pixels = (PATCH * scale) ** 2  # of a patch
        allowed = np.float32(pixels * (ERROR * max(now.shape) / UNITS) ** 2)
        known = allowed * np.maximum(weakest, 0)
        trust = known / (known + residual + np.float32(NOISE**2))
        # Patches that stick out of the picture where they came from are matched badly.
        last = np.array([width - 1, height - 1], np.float32)
        leaves = (moves < -LEAVING) & (there < PATCH * scale) | (moves > LEAVING) & (there > last - PATCH * scale)
        if leaves.any():
            trust *= 1 - cv2.resize(leaves.any(axis=-1).astype(np.float32), lattice, interpolation=cv2.INTER_AREA)
        return np.asarray(trust, np.float32)


def smaller_eigenvalue(xx: Float32Array, yy: Float32Array, xy: Float32Array) -> Float32Array:
    """Of the symmetric matrices ``[[xx, xy], [xy, yy]]``."""
    return np.asarray((xx + yy) / 2 - np.sqrt((xx - yy) ** 2 / 4 + xy * xy), np.float32)


def _no_larger(picture: UInt8Array, side: int) -> UInt8Array:
    """A picture whose longer side is at most ``side``."""
    cv2 = load_cv2()
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def at_vertices(lattice: Float32Array) -> Float32Array:
    """Means of the cells of a lattice ``[h, w, up to 4]`` that meet at each vertex of the mesh."""
    cv2 = load_cv2()
    size = (lattice.shape[1] // FINE + 1, lattice.shape[0] // FINE + 1)
    places = np.array([[FINE, 0, -0.5], [0, FINE, -0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(lattice, places, size, flags=flags, borderMode=cv2.BORDER_REPLICATE))


def on_lattice(vertices: Float32Array) -> Float32Array:
    """Values at vertices ``[rows, columns, up to 4]`` interpolated at the middles of the lattice's cells."""
    cv2 = load_cv2()
    size = (FINE * (vertices.shape[1] - 1), FINE * (vertices.shape[0] - 1))
    places = np.array([[1 / FINE, 0, 0.5 / FINE], [0, 1 / FINE, 0.5 / FINE]])
    return np.asarray(cv2.warpAffine(vertices, places, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))
