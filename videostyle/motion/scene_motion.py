"""Motion of the scene between two frames, and how far it can be trusted.

Motion is measured by dense optical flow on small grey pictures and kept on a *lattice* of ``FINE`` by ``FINE`` cells
to a cell of the canvas mesh. Lengths are in units (``motion.mesh``), grey levels are 0..255.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import Float32Array, UInt8Array
from videostyle.media.opencv import load_cv2
from videostyle.media.scaling import shrunk
from videostyle.motion.mesh import UNITS, MeshShape

FINE = 2  # cells of the lattice to a cell of the mesh, each way
SMOOTHING = 0.7  # deviation of the Gaussian that smooths motion, in cells of the lattice
SMALLEST_SIDE = 24  # pixels; optical flow needs patches
SIDE = 320  # pixels; longer side of the pictures that are compared
PATCH = 16  # pixels of a side of the flow's patches
INDEPENDENT = 64  # pixels of a patch whose errors do not depend on each other
NOISE = 1.0  # grey levels that differ between frames of the same scene, at the least
GRADIENT_OF_NOISE = 0.2  # squared gradient that noise feigns, to its squared difference between frames
ERROR = 0.3  # units; a motion whose error is estimated as this large is trusted by half
CORRECTIONS = 2  # steps
MOST = 0.5  # pixels; a motion is corrected by no more
LEAVING = 0.25  # pixels; motion that may take a patch out of the picture
LITTLE = 1e-3  # trust that every motion has, so that there is a mean where none has any


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

    @staticmethod
    def error_at_vertices(trust: Float32Array) -> Float32Array:
        """The estimated error of motions, in units, from the trust in them."""
        return np.asarray(ERROR * np.sqrt(1 / np.maximum(trust, 1e-4) - 1), np.float32)


class MotionMeter:
    """Measures motion with DIS optical flow (*source:* Kroeger et al. 2016).

    Args:
        shape: of the mesh.
        side: longer side, in pixels, of the grey pictures that it compares; larger is more exact and slower.
        preset: of DIS: "ultrafast", "fast" or "medium".
    """

    def __init__(self, shape: MeshShape, side: int = SIDE, preset: str = "fast") -> None:
        self.shape, self._side = shape, side
        cv2 = load_cv2()
        presets = {
            "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
            "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
            "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
        }
        self._dis: Any = cv2.DISOpticalFlow_create(presets[preset])
        self._finest = self._dis.getFinestScale()
        # Half of its time, and what it smooths is smoothed here again and corrected.
        self._dis.setVariationalRefinementIterations(0)

    def grey(self, frame: UInt8Array) -> UInt8Array:
        """A frame, uint8 ``[H, W, 3]`` RGB, as the grey picture ``[h, w]`` that its motion is measured on."""
        cv2 = load_cv2()
        return shrunk(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), self._side)

    def __call__(self, now: UInt8Array, before: UInt8Array) -> SceneMotion:
        """Motion from ``now`` to ``before``, both from ``grey``."""
        lattice = (FINE * (self.shape.columns - 1), FINE * (self.shape.rows - 1))
        if min(now.shape) < SMALLEST_SIDE:
            nothing = np.zeros(lattice[::-1], np.float32)
            return SceneMotion(np.zeros((*nothing.shape, 2), np.float32), nothing)
        cv2 = load_cv2()
        # A frame that was made smaller for this is sharp and has little noise: the flow may end a scale further on.
        smaller = max(now.shape) >= self._side
        self._dis.setFinestScale(max(0, self._finest - smaller))
        flow = self._dis.calc(now, before, None)
        motion = cv2.resize(flow, lattice, interpolation=cv2.INTER_AREA)
        motion *= np.float32(UNITS / max(now.shape))
        correction, trust = self._checked(now, before, flow, lattice)
        return SceneMotion(motion + correction, trust)

    def _checked(
        self, now: UInt8Array, before: UInt8Array, flow: Float32Array, lattice: tuple[int, int]
    ) -> tuple[Float32Array, Float32Array]:
        """By what ``flow`` is still wrong, ``[h, w, 2]`` in units, and how far it can be trusted, 0..1; on the lattice.

        DIS works on a quarter of the picture's size and takes motions for nearer to whole pixels there than they are;
        steps of Lucas and Kanade (1981), from what still differs between the pictures, correct that. The error of a
        motion that was found by least squares is estimated from the same differences, and from the gradients in the
        direction in which they are weakest (the smaller eigenvalue of the structure tensor). Differences of
        brightness alone do not count.
        """
        cv2 = load_cv2()
        height, width = now.shape
        x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
        moves = cv2.split(flow)
        level = before.astype(np.float32)  # rounded to whole levels, small differences would be lost
        gx, gy = (cv2.Scharr(now, cv2.CV_32F, *axis, scale=1 / 32) for axis in ((1, 0), (0, 1)))
        xx, yy, xy = (self._around(product, lattice) for product in (gx * gx, gy * gy, gx * gy))
        correction: list[Any] = [np.float32(0), np.float32(0)]
        for _ in range(CORRECTIONS):
            # cv2.remap knows 32 places between two pixels: what they differ by from ``moves`` is made up for by slopes.
            whole = [np.rint(move * np.float32(32)) * np.float32(1 / 32) for move in moves]
            moved = cv2.remap(level, whole[0] + x, whole[1] + y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            error = now - moved
            error -= cv2.blur(error, (PATCH, PATCH))
            error -= gx * (moves[0] - whole[0]) + gy * (moves[1] - whole[1])
            xe, ye, residual = (self._around(product, lattice) for product in (gx * error, gy * error, error * error))
            feigned = np.float32(GRADIENT_OF_NOISE) * residual
            held = feigned + np.float32(NOISE)
            determinant = (xx + held) * (yy + held) - xy * xy
            step = ((yy + held) * xe - xy * ye) / determinant, ((xx + held) * ye - xy * xe) / determinant
            step = tuple(np.clip(along, -MOST, MOST) for along in step)
            correction = [before + along for before, along in zip(correction, step, strict=True)]
            moves = [
                move + cv2.resize(along, (width, height), interpolation=cv2.INTER_LINEAR)
                for move, along in zip(moves, step, strict=True)
            ]
        unit = np.float32(UNITS / width)
        known = np.maximum(smaller_eigenvalue(xx, yy, xy) - feigned, 0) * np.float32(INDEPENDENT * (ERROR / unit) ** 2)
        trust = known / (known + residual + np.float32(NOISE**2))
        # Patches that stick out of the picture where they came from are matched badly.
        leaves = self._leaves(moves[0], whole[0] + x, width) | self._leaves(moves[1], whole[1] + y, height)
        if leaves.any():
            trust *= 1 - cv2.resize(leaves.astype(np.float32), lattice, interpolation=cv2.INTER_AREA)
        return cv2.merge(correction) * unit, np.asarray(trust, np.float32)

    @staticmethod
    def _around(product: Float32Array, lattice: tuple[int, int]) -> Float32Array:
        """Means of a picture around the cells of the lattice."""
        cv2 = load_cv2()
        small = cv2.resize(product, lattice, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.GaussianBlur(small, (0, 0), SMOOTHING))

    @staticmethod
    def _leaves(move: Float32Array, there: Float32Array, side: int) -> NDArray[np.bool_]:
        """Where patches may have come from beyond the two borders that ``side`` pixels lie between."""
        return ((move < -LEAVING) & (there < PATCH)) | ((move > LEAVING) & (there > side - 1 - PATCH))


def smaller_eigenvalue(xx: Float32Array, yy: Float32Array, xy: Float32Array) -> Float32Array:
    """Of the symmetric matrices ``[[xx, xy], [xy, yy]]``."""
    return np.asarray((xx + yy) / 2 - np.sqrt((xx - yy) ** 2 / 4 + xy * xy), np.float32)


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
