"""Corrects optical flow, and estimates its error, from the difference that is left between the two pictures.

DIS works at a reduced size, and its motions are biased towards whole pixels there; a step of Lucas and Kanade (1981)
corrects that. The error of a motion that was found by least squares is estimated from the same
differences, and from the gradients in the direction in which they are weakest (the smaller eigenvalue of the structure
tensor). Differences of brightness alone do not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import Float32Array, UInt8Array
from videostyle.media.opencv import load_cv2

PATCH = 16  # pixels of a side of the flow's patches
INDEPENDENT = 64  # pixels of a patch whose errors do not depend on each other
NOISE = 1.0  # grey levels that differ between frames of the same scene, at the least
GRADIENT_OF_NOISE = 0.2  # squared gradient of noise over its squared difference between frames
MOST = 0.5  # pixels; a motion is corrected by no more
LEAVING = 0.25  # pixels; motion that may take a patch out of the picture
SUBPIXELS = 32  # positions between two pixels, to which cv2.remap rounds
MANY = 3.0  # pixels along a cell of the lattice, from which on pictures are halved before they are divided into cells


class FlowCheck:
    """Corrects flow between pictures of one size.

    Arrays are allocated once and reused: to allocate and clear so much memory takes longer than the computation.

    Args:
        size: height and width of the pictures.
        lattice: columns and rows of the lattice that corrections are given on.
        smoothing: deviation of the Gaussian that smooths sums, in cells of the lattice.
        error: pixels; a motion whose error is estimated as this large is trusted by half.
    """

    def __init__(self, size: tuple[int, int], lattice: tuple[int, int], smoothing: float, error: float) -> None:
        self._lattice, self._smoothing = lattice, smoothing
        self._certain = np.float32(INDEPENDENT * error**2)
        self._halved = min(size[1] / lattice[0], size[0] / lattice[1]) >= MANY
        self._x, self._y = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in (size[1], size[0])))
        (
            self._now, self._before, self._gx, self._gy, self._u, self._v, self._there_x, self._there_y, self._error,
            self._work,
        ) = (np.empty_like(self._x) for _ in range(10))  # fmt: skip

    def __call__(self, now: UInt8Array, before: UInt8Array, flow: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Corrected motion, ``[h, w, 2]`` in pixels, and trust in it ``[h, w]``, 0..1; both on the lattice.

        Args:
            now: uint8 ``[H, W]``.
            before: the same size.
            flow: from ``now`` to ``before``, float32 ``[H, W, 2]`` in pixels.
        """
        cv2 = load_cv2()
        height, width = now.shape
        # As floating point: rounded to whole levels, small differences would be lost.
        self._now[:], self._before[:], self._u[:], self._v[:] = now, before, flow[..., 0], flow[..., 1]
        gx = cv2.Scharr(now, cv2.CV_32F, 1, 0, dst=self._gx, scale=1 / 32)
        gy = cv2.Scharr(now, cv2.CV_32F, 0, 1, dst=self._gy, scale=1 / 32)
        error = self._differences()
        xx, yy, xy = self._around(gx, gx), self._around(gy, gy), self._around(gx, gy)
        xe, ye, residual = self._around(gx, error), self._around(gy, error), self._around(error, error)
        feigned = np.float32(GRADIENT_OF_NOISE) * residual
        held = feigned + np.float32(NOISE)
        along_x, along_y = xx + held, yy + held
        scale = 1 / (along_x * along_y - xy * xy)
        correction = cv2.merge([(along_y * xe - xy * ye) * scale, (along_x * ye - xy * xe) * scale])
        known = np.maximum(smaller_eigenvalue(xx, yy, xy) - feigned, 0) * self._certain
        trust = known / (known + residual + np.float32(NOISE**2))
        # Patches that came partly from outside the picture are matched badly.
        leaves = _leaves(self._u, self._there_x, width) | _leaves(self._v, self._there_y, height)
        if leaves.any():
            trust *= 1 - cv2.resize(leaves.astype(np.float32), self._lattice, interpolation=cv2.INTER_AREA)
        motion = cv2.resize(flow, self._lattice, interpolation=cv2.INTER_AREA)
        motion += np.clip(correction, -MOST, MOST, out=correction)
        return motion, np.asarray(trust, np.float32)

    def _differences(self) -> Float32Array:
        """The difference between the picture and the one before, warped by the flow, ``[H, W]``."""
        cv2 = load_cv2()
        axes = (self._u, self._x, self._there_x, self._gx), (self._v, self._y, self._there_y, self._gy)
        for move, place, there, _ in axes:
            np.multiply(move, np.float32(SUBPIXELS), out=there)
            np.rint(there, out=there)
            there *= np.float32(1 / SUBPIXELS)
            there += place
        edge = cv2.BORDER_REPLICATE
        cv2.remap(self._before, self._there_x, self._there_y, cv2.INTER_LINEAR, dst=self._work, borderMode=edge)
        error = np.subtract(self._now, self._work, out=self._error)
        error -= cv2.blur(error, (PATCH, PATCH), dst=self._work)
        # cv2.remap knows few places between pixels: what they differ by from motions is made up for by slopes.
        for move, place, there, slope in axes:
            rest = np.subtract(there, place, out=self._work)
            np.subtract(move, rest, out=rest)
            rest *= slope
            error -= rest
        return error

    def _around(self, one: Float32Array, other: Float32Array) -> Float32Array:
        """Means of a product around the cells of the lattice."""
        cv2 = load_cv2()
        product = np.multiply(one, other, out=self._work)
        if self._halved:  # halves take a third of the time of other parts, and leave little to divide
            product = cv2.resize(product, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        small = cv2.resize(product, self._lattice, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.GaussianBlur(small, (0, 0), self._smoothing))


def smaller_eigenvalue(xx: Float32Array, yy: Float32Array, xy: Float32Array) -> Float32Array:
    """Of the symmetric matrices ``[[xx, xy], [xy, yy]]``."""
    return np.asarray((xx + yy) / 2 - np.sqrt((xx - yy) ** 2 / 4 + xy * xy), np.float32)


def _leaves(move: Float32Array, there: Float32Array, side: int) -> NDArray[np.bool_]:
    """Where patches may have come from beyond the two borders that ``side`` pixels lie between."""
    return ((move < -LEAVING) & (there < PATCH)) | ((move > LEAVING) & (there > side - 1 - PATCH))
