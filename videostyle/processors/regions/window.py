"""The frames of the clip around a batch, and the motion of the scene between them, as regions need them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np

from videostyle.frames import AnyArray, Float64Array, FrameBatch, UInt8Array, to_bytes
from videostyle.media.scaling import shrunk
from videostyle.motion.pair_motion import PairMotion, pair_motion
from videostyle.motion.scene_motion import SIDE

# Results of each kind that are kept: those of a window and a batch, as long as they are small.
KEPT = {"found": 32, "small": 128, "motion": 128, "faces": 256, "carried": 4096}

Found = TypeVar("Found")


class Seen:
    """One frame of the clip.

    Args:
        number: of the frame.
        time: in seconds on the source's clock.
        frame: ``[H, W, 3]`` RGB, uint8 or uint16.
    """

    def __init__(self, number: int, time: float, frame: AnyArray) -> None:
        self.number, self.time, self._frame = number, time, frame
        self._bytes: UInt8Array | None = None

    @property
    def key(self) -> Hashable:
        """Tells frames of a clip apart."""
        return self.number, self.time

    @property
    def frame(self) -> UInt8Array:
        """uint8 ``[H, W, 3]`` RGB."""
        if self._bytes is None:
            self._bytes = np.ascontiguousarray(to_bytes(self._frame))
        return self._bytes


class Memory:
    """Caches results about frames, so that overlapping windows do not compute them again."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[Hashable, Any]] = {what: {} for what in KEPT}

    def of(self, what: str, key: Hashable, find: Callable[[], Found]) -> Found:
        """What ``find`` returned for ``key`` before, or returns now; ``what`` is one of ``KEPT``."""
        kept = self._kept[what]
        if key not in kept:
            kept[key] = find()
            while len(kept) > KEPT[what]:
                kept.pop(next(iter(kept)))
        found: Found = kept[key]
        return found


class Window:
    """A batch with the frames around it, as the clip shows them.

    Args:
        batch: as a processor gets it.
        memory: of the run.

    Attributes:
        frames: of the batch and around it, in order.
        first: number in ``frames`` of the first one of the batch.
        last: number behind the batch's last one.
        memory: as given.
    """

    def __init__(self, batch: FrameBatch, memory: Memory) -> None:
        parts = [part for part in (batch.before, batch, batch.after) if part is not None]
        self.frames = [
            Seen(part.index + n, float(part.pts[n]), frame)
            for part in parts
            for n, frame in enumerate(part.frames if part.original is None else part.original)
        ]
        self.first = len(batch.before) if batch.before is not None else 0
        self.last = self.first + len(batch)
        self.memory = memory

    def small(self, at: int) -> UInt8Array:
        """Frame ``at`` with a longer side of at most ``SIDE`` pixels, uint8 ``[h, w, 3]``."""
        seen = self.frames[at]
        return self.memory.of("small", seen.key, lambda: shrunk(seen.frame, SIDE))

    def motion(self, at: int) -> PairMotion:
        """Motion from frame ``at`` to the one before it, which must be in the window."""
        if at < 1:
            raise ValueError("the first frame of a window has none before it")
        return self.memory.of("motion", self.frames[at].key, lambda: pair_motion(self.small(at), self.small(at - 1)))

    def camera(self, at: int, other: int) -> Float64Array:
        """Affine map ``[3, 3]`` from places in frame ``at`` to where the camera saw them in frame ``other``."""
        total = np.eye(3)
        for number in range(max(at, other), min(at, other), -1):
            step = np.vstack([self.motion(number).camera, [0.0, 0.0, 1.0]])
            total = step @ total
        return np.asarray(total if other <= at else np.linalg.inv(total), np.float64)
