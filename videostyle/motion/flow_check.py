"""How far optical flow is wrong and how far it can be trusted, from what still differs between the two pictures.

DIS works on a part of the picture's size and takes motions for nearer to whole pixels there than they are; steps of
Lucas and Kanade (1981) correct that. The error of a motion that was found by least squares is estimated from the same
differences, and from the gradients in the direction in which they are weakest (the smaller eigenvalue of the structure
tensor). Differences of brightness alone do not count.

All these are sums over neighbourhoods. The first step of two looks at a quarter of the pixels where there are many.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import Float32Array, UInt8Array
from videostyle.media.opencv import load_cv2

MANY = 3.0  # pixels along a cell of the lattice, from which on every second is enough for a first correction
PATCH = 16  # pixels of a side of the flow's patches
INDEPENDENT = 64  # pixels of a patch whose errors do not depend on each other
NOISE = 1.0  # grey levels that differ between frames of the same scene, at the least
GRADIENT_OF_NOISE = 0.2  # squared gradient that noise feigns, to its squared difference between frames
MOST = 0.5  # pixels; a motion is corrected by no more in a step
LEAVING = 0.25  # pixels; motion that may take a patch out of the picture
SUBPIXELS = 32  # places that cv2.remap knows between two pixels


class FlowCheck:
    """Corrects flow between pictures of one size.

    Args:
        size: height and width of the pictures.
        lattice: columns and rows of the lattice that corrections are given on.
        smoothing: deviation of the Gaussian that smooths sums, in cells of the lattice.
        error: pixels; a motion whose error is estimated as this large is trusted by half.
    """

    def __init__(self, size: tuple[int, int], lattice: tuple[int, int], smoothing: float, error: float) -> None:
        self._lattice, self._smoothing = lattice, smoothing
        self._certain = np.float32(INDEPENDENT * error**2)
        self._before = np.empty(size, np.float32)
        self._all = _Places(size, 1)
        self._many = min(size[1] / lattice[0], size[0] / lattice[1]) >= MANY
        self._first = _Places(size, 2) if self._many else self._all

    def __call__(self, now: UInt8Array, before: UInt8Array, flow: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Corrected motion, ``[h, w, 2]`` in pixels, and trust in it ``[h, w]``, 0..1; both on the lattice.

        Args:
            now: uint8 ``[H, W]``.
            before: the same size.
            flow: from ``now`` to ``before``, float32 ``[H, W, 2]`` in pixels.
        """
        cv2 = load_cv2()
        height, width = now.shape
        self._before[:] = before  # rounded to whole levels, small differences would be lost
        places, first = self._all, self._first
        places.see(now)
        xx, yy, xy = self._around(places, "xx"), self._around(places, "yy"), self._around(places, "xy")
        if first is not places:
            first.see_part(places)
        motion = cv2.resize(flow, self._lattice, interpolation=cv2.INTER_AREA)
        correction = np.zeros_like(motion)
        for places in (first, self._all):
            places.move(flow, correction)
            places.compare(self._before)
            xe, ye, residual = self._around(places, "xe"), self._around(places, "ye"), self._around(places, "ee")
            feigned = np.float32(GRADIENT_OF_NOISE) * residual
            held = feigned + np.float32(NOISE)
            along_x, along_y = xx + held, yy + held
            scale = 1 / (along_x * along_y - xy * xy)
            step = cv2.merge([(along_y * xe - xy * ye) * scale, (along_x * ye - xy * xe) * scale])
            correction += np.clip(step, -MOST, MOST, out=step)
        known = np.maximum(smaller_eigenvalue(xx, yy, xy) - feigned, 0) * self._certain
        trust = known / (known + residual + np.float32(NOISE**2))
        # Patches that stick out of the picture where they came from are matched badly.
        leaves = _leaves(places.u, places.there_x, width) | _leaves(places.v, places.there_y, height)
        if leaves.any():
            trust *= 1 - cv2.resize(leaves.astype(np.float32), self._lattice, interpolation=cv2.INTER_AREA)
        motion += correction
        return motion, np.asarray(trust, np.float32)

    def _around(self, places: _Places, factors: str) -> Float32Array:
        """Means of a product around the cells of the lattice."""
        cv2 = load_cv2()
        product = places.product(*factors)
        if places is self._all and self._many:  # halves take a third of the time of any other part, and it is left
            product = cv2.resize(product, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        small = cv2.resize(product, self._lattice, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.GaussianBlur(small, (0, 0), self._smoothing))


class _Places:
    """Every pixel, or every few, of a picture, and what is known at them, ``[H / step, W / step]`` each.

    All is written into the same memory again: to get and to clear so much of it takes longer than to compute.

    Args:
        size: height and width of the picture.
        step: pixels from one place to the next.
    """

    def __init__(self, size: tuple[int, int], step: int) -> None:
        self._step, self._patch = step, (PATCH // step, PATCH // step)
        self._x, self._y = np.meshgrid(*(np.arange(0, side, step, dtype=np.float32) for side in (size[1], size[0])))
        (
            self._grey, self.u, self.v, self.there_x, self.there_y, self._work, self._moved, *factors,
        ) = (np.empty_like(self._x) for _ in range(10))  # fmt: skip
        self._factors = dict(zip("xye", factors, strict=True))  # slopes along x and y, and the error

    def see(self, picture: UInt8Array) -> None:
        """Takes the picture, ``step`` being 1."""
        cv2 = load_cv2()
        self._grey[:] = picture
        cv2.Scharr(picture, cv2.CV_32F, 1, 0, dst=self._factors["x"], scale=1 / 32)
        cv2.Scharr(picture, cv2.CV_32F, 0, 1, dst=self._factors["y"], scale=1 / 32)

    def see_part(self, places: _Places) -> None:
        """Takes a part of all places."""
        self._grey[:] = places._grey[:: self._step, :: self._step]
        for name in "xy":
            self._factors[name][:] = places._factors[name][:: self._step, :: self._step]

    def move(self, flow: Float32Array, correction: Float32Array) -> None:
        """Takes flow ``[H, W, 2]`` in pixels, and what is known of its correction, on the lattice."""
        cv2 = load_cv2()
        self.u[:], self.v[:] = (flow[:: self._step, :: self._step, axis] for axis in (0, 1))
        if correction.any():
            size = self._x.shape[::-1]
            for axis, move in enumerate((self.u, self.v)):
                along = np.ascontiguousarray(correction[..., axis])
                move += cv2.resize(along, size, dst=self._work, interpolation=cv2.INTER_LINEAR)

    def compare(self, before: Float32Array) -> None:
        """Finds the error: what differs from the picture before, as moved, ``[H, W]``."""
        cv2 = load_cv2()
        for move, place, there in ((self.u, self._x, self.there_x), (self.v, self._y, self.there_y)):
            np.multiply(move, np.float32(SUBPIXELS), out=there)
            np.rint(there, out=there)
            there *= np.float32(1 / SUBPIXELS)
            there += place
        edge = cv2.BORDER_REPLICATE
        cv2.remap(before, self.there_x, self.there_y, cv2.INTER_LINEAR, dst=self._moved, borderMode=edge)
        error = np.subtract(self._grey, self._moved, out=self._factors["e"])
        error -= cv2.blur(error, self._patch, dst=self._work)
        # cv2.remap knows few places between pixels: what they differ by from motions is made up for by slopes.
        for name, move, place, there in (("x", self.u, self._x, self.there_x), ("y", self.v, self._y, self.there_y)):
            np.subtract(there, place, out=self._work)
            np.subtract(move, self._work, out=self._work)
            self._work *= self._factors[name]
            error -= self._work

    def product(self, one: str, other: str) -> Float32Array:
        """Of slopes, "x" and "y", or of one with the error, "e"; until the next product is asked for."""
        return np.multiply(self._factors[one], self._factors[other], out=self._work)


def smaller_eigenvalue(xx: Float32Array, yy: Float32Array, xy: Float32Array) -> Float32Array:
    """Of the symmetric matrices ``[[xx, xy], [xy, yy]]``."""
    return np.asarray((xx + yy) / 2 - np.sqrt((xx - yy) ** 2 / 4 + xy * xy), np.float32)


def _leaves(move: Float32Array, there: Float32Array, side: int) -> NDArray[np.bool_]:
    """Where patches may have come from beyond the two borders that ``side`` pixels lie between."""
    return ((move < -LEAVING) & (there < PATCH)) | ((move > LEAVING) & (there > side - 1 - PATCH))
