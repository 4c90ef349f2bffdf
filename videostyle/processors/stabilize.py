"""Steadies a painting that flickers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from pydantic import Field

from videostyle.frames import AnyArray, Float32Array, FrameBatch, UInt8Array, VideoInfo, to_bytes
from videostyle.media.opencv import load_cv2
from videostyle.media.scaling import shrunk
from videostyle.motion.cuts import CUT, UNLIKE, likeness, thumbnail
from videostyle.motion.dis import flow_and_mask
from videostyle.motion.pair_motion import carried, enlarged, trust_in
from videostyle.motion.scene_motion import SIDE, SMALLEST_SIDE
from videostyle.processors.filters import between, stored, unit
from videostyle.processors.protocol import Configured, Needs, Options

LEFT = 0.02  # share of a frame that a painting still contains of it when it no longer counts
AROUND = 4.0  # pixels; deviation over which differences of colour are averaged: strokes may differ, areas may not
SEEN = 0.2  # share of a frame that must be trusted; with less, a new shot begins


class StabilizeOptions(Options):
    """How much of the frame before stays."""

    amount: float = Field(
        0.7, ge=0, le=0.9, description="how much of the painted frame before is kept, where it can be carried along"
    )
    guard: float = Field(
        16.0,
        ge=1,
        le=128,
        description="levels of 255 by which colours may lag behind the painting; more is steadier, and may smear",
    )


@dataclass
class _Before:
    """The frame before: as it was delivered, float32 0..1, and small, as the clip shows it."""

    delivered: Float32Array
    small: UInt8Array


class Stabilize(Configured[StabilizeOptions]):
    """Steadies a painting that flickers: keeps some of the frame before, carried along the motion of the clip."""

    schema = StabilizeOptions

    def __init__(self, options: StabilizeOptions) -> None:
        super().__init__(options)
        self._before: _Before | None = None

    @property
    def needs(self) -> Needs:
        """The clip's own frames, for their motion; and as many frames before as are still seen in the next one."""
        count = math.ceil(math.log(LEFT) / math.log(self.options.amount)) if self.options.amount else 0
        return Needs(history=min(count, 30), stateful=True, original=True)

    def open(self, info: VideoInfo) -> VideoInfo:
        """Forgets earlier frames."""
        self.restart()
        return info

    def restart(self) -> None:
        """Forgets earlier frames: the next one is delivered as it is."""
        self._before = None

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Blends each frame with the one before it."""
        originals = batch.frames if batch.original is None else batch.original
        frames = np.empty_like(batch.frames)
        for found, frame, original in zip(frames, batch.frames, originals, strict=True):
            found[:] = self._steadied(frame, np.ascontiguousarray(to_bytes(original)))
        return replace(batch, frames=frames)

    def _steadied(self, frame: AnyArray, original: UInt8Array) -> AnyArray:
        now, small = unit(frame), shrunk(original, SIDE)
        before = self._before
        if before is not None and before.delivered.shape == now.shape and self.options.amount:
            now = self._blended(now, small, before)
        self._before = _Before(now, small)  # not rounded: otherwise small changes would never add up
        return stored(now, frame.dtype)

    def _blended(self, now: Float32Array, small: UInt8Array, before: _Before) -> Float32Array:
        flow, trust = motion_of(small, before.small)
        if trust.mean() < SEEN:
            return now
        cv2 = load_cv2()
        height, width = now.shape[:2]
        kept = carried(before.delivered, enlarged(flow, (height, width)), sharp=True)
        lag = np.abs(cv2.GaussianBlur(kept - now, (0, 0), AROUND)).max(axis=2)
        share = cv2.resize(trust, (width, height), interpolation=cv2.INTER_LINEAR)
        share *= np.float32(self.options.amount) / (1 + (lag * np.float32(255 / self.options.guard)) ** 4)
        return np.clip(between(now, kept, share), 0, 1)

    def close(self) -> None:
        """Frees the frame before."""
        self.restart()


def motion_of(now: UInt8Array, before: UInt8Array) -> tuple[Float32Array, Float32Array]:
    """Flow from ``now`` to ``before``, small pictures ``[h, w, 3]``, and how far it can be trusted, ``[h, w]`` 0..1.

    A place is trusted that both frames show, whose flow there and back meets, that looks the same in both; none is at a
    cut.
    """
    cv2 = load_cv2()
    height, width = now.shape[:2]
    grey, other = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (now, before))
    if min(height, width) < SMALLEST_SIDE:
        flow, seen = np.zeros((height, width, 2), np.float32), np.ones((height, width), np.float32)
    else:
        flow, mask = flow_and_mask(now, before, "fast")
        seen = mask[..., 0]
    one, two = thumbnail(now), thumbnail(before)
    if np.abs(one - two).mean() > CUT and likeness(one, two) < UNLIKE:
        seen = np.zeros_like(seen)
    return flow, np.asarray(cv2.blur(seen, (3, 3)) * trust_in(flow, grey, other), np.float32)
