"""Masks of regions: found frame by frame, smoothed in time along the motion, grown or shrunk, with soft edges."""

from __future__ import annotations

from typing import Any

import numpy as np

from videostyle.frames import FrameBatch, UInt8Array, VideoInfo
from videostyle.media.opencv import load_cv2
from videostyle.motion.pair_motion import PairMotion, carried, enlarged
from videostyle.processors.protocol import Needs
from videostyle.processors.regions.protocol import Region, RegionOptions
from videostyle.processors.regions.window import Memory, Window

CUT = 0.08  # share below which a blurred mask counts as outside, and above 1 - CUT as inside


class RegionMask:
    """The mask of a region for each batch.

    A mask depends on the frames around its own alone, so that it does not matter how a clip is divided.

    Args:
        region: what to find; the mask opens and closes it.
    """

    def __init__(self, region: Region[Any]) -> None:
        self.region = region
        self._memory = Memory()

    @property
    def needs(self) -> Needs:
        """The frames around a batch, as the clip shows them."""
        region = self.region
        history = region.history + region.options.smooth
        return Needs(history=history, lookahead=region.lookahead, original=True, around="originals")

    def open(self, info: VideoInfo) -> None:
        """Prepares for a clip."""
        self._memory = Memory()
        self.region.open(info)

    def __call__(self, batch: FrameBatch) -> UInt8Array:
        """The region in each frame, uint8 ``[T, H, W]`` of the size of the frames: 255 inside, 0 outside."""
        window = Window(batch, self._memory)
        height, width = batch.frames.shape[1:3]
        found = np.empty((len(batch), height, width), np.uint8)
        for number in range(window.first, window.last):
            mask = self._steady(window, number)
            found[number - window.first] = shaped(mask, (height, width), self.region.options)
        return found

    def close(self) -> None:
        """Frees the region."""
        self._memory = Memory()
        self.region.close()

    def _found(self, window: Window, at: int) -> UInt8Array:
        if not self.region.options.smooth:  # it is looked at once
            return self.region.find(window, at)
        return window.memory.of("found", window.frames[at].key, lambda: self.region.find(window, at))

    def _steady(self, window: Window, at: int) -> UInt8Array:
        """The mask of a frame, averaged with those before it along the motion."""
        count = min(self.region.options.smooth, at)
        found = self._found(window, at - count)
        if not count:
            return found
        total = found.astype(np.float32)
        for weight, number in enumerate(range(at - count + 1, at + 1), 1):
            now = self._found(window, number).astype(np.float32)
            if total.shape != now.shape:
                total = now
                continue
            before, trust = moved(total, window.motion(number))
            total = now + np.float32(weight / (weight + 1)) * trust * (before - now)  # a mean of as many
        return np.asarray(np.rint(total), np.uint8)


def moved(mask: Any, motion: PairMotion) -> tuple[Any, Any]:
    """A mask of the frame before, float32 ``[h, w]`` of any size, as seen now; and how far that can be trusted."""
    trust = motion.trust
    if trust.shape != mask.shape:
        cv2 = load_cv2()
        trust = cv2.resize(trust, mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return carried(mask, enlarged(motion.flow, mask.shape)), trust


def shaped(mask: UInt8Array, size: tuple[int, int], options: RegionOptions) -> UInt8Array:
    """A mask grown or shrunk, feathered and inverted.

    Args:
        mask: uint8 ``[h, w]`` of any size.
        size: height and width that it gets.
        options: how.

    Returns:
        uint8 ``size``; exactly 0 and 255 further than about ``feather`` from the edge.
    """
    cv2 = load_cv2()
    height, width = size
    if mask.shape != size:
        mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
    if by := options.grow - options.shrink:
        mask = _resized(mask, by)
    if options.feather:
        soft = cv2.GaussianBlur(
            mask.astype(np.float32) / 255, (0, 0), max(options.feather / 1.5, 0.1), borderType=cv2.BORDER_REPLICATE
        )
        mask = np.clip(np.rint((soft - CUT) * (255 / (1 - 2 * CUT))), 0, 255).astype(np.uint8)
    return np.asarray(255 - mask if options.invert else mask, np.uint8)


def _resized(mask: UInt8Array, by: int) -> UInt8Array:
    """A mask grown by some pixels, or shrunk by as many less than 0. Beyond the frame lies what lies at its border."""
    cv2 = load_cv2()
    change = cv2.dilate if by > 0 else cv2.erode
    left = abs(by)
    while left:  # small discs one after the other make a large one, and cost less
        step = min(left, 8)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * step + 1, 2 * step + 1))
        mask = change(mask, disc, borderType=cv2.BORDER_REPLICATE)
        left -= step
    return np.asarray(mask, np.uint8)
