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
from videostyle.media.scaling import shrunk
from videostyle.motion.flow_check import FlowCheck
from videostyle.motion.mesh import UNITS, MeshShape

FINE = 2  # cells of the lattice to a cell of the mesh, each way
SMOOTHING = 0.7  # deviation of the Gaussian that smooths motion, in cells of the lattice
SMALLEST_SIDE = 24  # pixels; optical flow needs patches
SIDE = 320  # pixels; longer side of the pictures that are compared
ERROR = 0.3  # units; a motion whose error is estimated as this large is trusted by half
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
        # The refinement takes half of DIS's time, and the flow is smoothed and corrected here anyway.
        self._dis.setVariationalRefinementIterations(0)
        self._check: FlowCheck | None = None

    @property
    def lattice(self) -> tuple[int, int]:
        """Rows and columns of the lattice."""
        return FINE * (self.shape.rows - 1), FINE * (self.shape.columns - 1)

    def grey(self, frame: UInt8Array) -> UInt8Array:
        """A frame, uint8 ``[H, W, 3]`` RGB, as the grey picture ``[h, w]`` that its motion is measured on."""
        cv2 = load_cv2()
        return shrunk(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), self._side)

    def __call__(self, now: UInt8Array, before: UInt8Array) -> SceneMotion:
        """Motion from ``now`` to ``before``, both from ``grey``."""
        return self.with_flow(now, before)[0]

    def with_flow(self, now: UInt8Array, before: UInt8Array) -> tuple[SceneMotion, Float32Array]:
        """The same, and the flow that it was made from, float32 ``[h, w, 2]`` in pixels of these pictures."""
        if min(now.shape) < SMALLEST_SIDE:
            nothing = np.zeros(self.lattice, np.float32)
            still = SceneMotion(np.zeros((*nothing.shape, 2), np.float32), nothing)
            return still, np.zeros((*now.shape, 2), np.float32)
        # A frame that was made smaller for this is sharp and has little noise: the flow may end a scale further on.
        smaller = max(now.shape) >= self._side
        self._dis.setFinestScale(max(0, self._finest - smaller))
        flow = self._dis.calc(now, before, None)
        unit = UNITS / max(now.shape)  # of a pixel
        if self._check is None:
            self._check = FlowCheck((now.shape[0], now.shape[1]), self.lattice[::-1], SMOOTHING, ERROR / unit)
        motion, trust = self._check(now, before, flow)
        motion *= np.float32(unit)
        return SceneMotion(motion, trust), flow


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
