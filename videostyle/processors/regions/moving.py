"""Regions by motion: what moves when the camera's motion is taken out, and what moves otherwise than the ground."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from videostyle.frames import Float32Array, UInt8Array
from videostyle.media.opencv import load_cv2
from videostyle.motion.camera import motion_at
from videostyle.motion.flow import grid
from videostyle.motion.mesh import UNITS
from videostyle.processors.regions.mask import moved
from videostyle.processors.regions.protocol import Region, RegionOptions
from videostyle.processors.regions.window import Window

SAMPLES = 2  # frames on each side that the background is looked up in
SPECK = 3  # pixels of a small picture; what is no larger is noise
STILL = 0.5  # units a frame by which everything moves: errors of the flow


class MovingOptions(RegionOptions):
    """How much must have moved."""

    smooth: int = Field(2, ge=0, le=12, description="frames over which its edge is smoothed, along the motion")
    grow: int = Field(4, ge=0, le=500, description="pixels by which it is made larger")
    contrast: float = Field(18.0, ge=2, le=128, description="levels of 255 by which it differs from the background")
    frames: int = Field(
        10,
        ge=2,
        le=40,
        description="frames before and behind in which the background is looked for; more for slow things",
    )


class Moving(Region[MovingOptions]):
    """What moves before the background: the camera's own motion is taken out."""

    schema = MovingOptions

    def __init__(self, options: MovingOptions) -> None:
        super().__init__(options)
        self.history = self.lookahead = options.frames

    def find(self, window: Window, at: int) -> UInt8Array:
        """Where a frame differs from those around it, as the camera would have seen them from here."""
        cv2 = load_cv2()
        now = window.small(at).astype(np.float32)
        height, width = now.shape[:2]
        steps = [round(self.options.frames * step / SAMPLES) for step in range(1, SAMPLES + 1)]
        others = [at - step for step in steps if at - step >= 0]
        others += [at + step for step in steps if at + step < len(window.frames)]
        if not others:
            return np.zeros((height, width), np.uint8)
        found = []
        for other in others:
            there = window.camera(at, other)[:2]
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            size = (width, height)
            picture = cv2.warpAffine(window.small(other), there, size, flags=flags, borderMode=cv2.BORDER_CONSTANT)
            known = cv2.warpAffine(np.full((height, width), 255, np.uint8), there, size, flags=flags)
            apart = np.where(known == 255, cv2.absdiff(now, picture.astype(np.float32)).max(axis=2), np.float32(0))
            found.append(cv2.medianBlur(np.asarray(apart, np.float32), SPECK))
        # Ground that was covered in some of the frames looks as in the others; what moves looks like none, or few.
        apart = np.sort(np.stack(found), axis=0)[(len(found) - 1) // 2]
        share = np.clip(2 * apart / np.float32(self.options.contrast) - 1, 0, 1)  # half at three quarters of it
        return _tidy(share)


class ForegroundOptions(RegionOptions):
    """How much nearer it must be."""

    smooth: int = Field(4, ge=0, le=12, description="frames over which its edge is smoothed, along the motion")
    apart: float = Field(
        0.35, ge=0.05, le=5, description="how unlike the background's motion its own must be, in shares of that"
    )
    frames: int = Field(4, ge=1, le=12, description="frames before it over which motion is added up")


class Foreground(Region[ForegroundOptions]):
    """What stands in front, as the camera moves past it: it moves otherwise than most of the frame."""

    schema = ForegroundOptions

    def __init__(self, options: ForegroundOptions) -> None:
        super().__init__(options)
        self.history = options.frames

    def find(self, window: Window, at: int) -> UInt8Array:
        """Where motion up to a frame differs from the camera's."""
        height, width = window.small(at).shape[:2]
        total = np.zeros((height, width), np.float32)
        count = min(self.options.frames, at)
        for number in range(at - count + 1, at + 1):
            if number > at - count + 1:
                total, _ = moved(total, window.motion(number))
            total = total + self._share(window, number)
        if not count:
            return np.zeros((height, width), np.uint8)
        return _tidy(np.clip(2 * total / count - 0.5, 0, 1))

    def _share(self, window: Window, at: int) -> Float32Array:
        """How far each place of a frame moves otherwise than the background, 0..1."""
        motion = window.motion(at)
        height, width = motion.flow.shape[:2]
        camera = motion_at(motion.camera, np.stack(grid(height, width), axis=-1))
        unit = np.float32(UNITS / max(height, width))
        own = np.linalg.norm(motion.flow - camera, axis=2) * unit
        whole = float(np.median(np.linalg.norm(camera, axis=2))) * unit
        share = np.clip(own / np.float32(STILL + self.options.apart * whole) - 0.5, 0, 1)
        return np.asarray(share * motion.trust, np.float32)


def _tidy(share: Float32Array) -> UInt8Array:
    """A mask 0..1 as uint8, without specks and holes."""
    cv2 = load_cv2()
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * SPECK + 1, 2 * SPECK + 1))
    mask = cv2.medianBlur(np.rint(255 * share).astype(np.uint8), 5)
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, disc), np.uint8)
