"""What a region looks at: the clip's frames around a batch, and how the scene moves between them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from videostyle.frames import AnyArray, Float32Array, Float64Array, FrameBatch, UInt8Array, to_bytes
from videostyle.media.opencv import load_cv2
from videostyle.media.scaling import shrunk
from videostyle.motion.camera import camera_motion
from videostyle.motion.flow import grid
from videostyle.motion.mesh import UNITS

SIDE = 320  # pixels; longer side of the pictures that motion is measured on
SMALLEST_SIDE = 24  # pixels; optical flow needs patches
SAME = 12.0  # grey levels that a place may differ from where it came from, and still be trusted by half
POINTS = 8  # pixels between the places that tell of the camera
TEXTURE = 2e-4  # of an eigenvalue of the structure tensor; less is too even for motion to be seen
# Results of each kind that are kept: those of a window and a batch, as long as they are small.
KEPT = {"found": 32, "small": 128, "motion": 128, "faces": 256, "carried": 4096}

Found = TypeVar("Found")


@dataclass(frozen=True)
class PairMotion:
    """Motion from a frame to the one before, on a small picture.

    Attributes:
        flow: float32 ``[h, w, 2]`` in pixels of the small picture (``motion.flow``).
        trust: float32 ``[h, w]``, 0..1: whether a place looks as it did where it came from; 0 all over at a cut.
        camera: affine map ``[2, 3]`` from places of the small picture to where the camera saw them before; the
            identity where none was found.
    """

    flow: Float32Array
    trust: Float32Array
    camera: Float64Array


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
    """Keeps what was found out about frames, so that overlapping windows do not find it out again."""

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


def pair_motion(now: UInt8Array, before: UInt8Array) -> PairMotion:
    """Motion from ``now`` to ``before``, uint8 ``[h, w, 3]``."""
    cv2 = load_cv2()
    height, width = now.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        same = np.abs(now.astype(np.float32) - before).mean(axis=2)
        return PairMotion(np.zeros((height, width, 2), np.float32), _trust(same), np.eye(2, 3))
    grey, other = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (now, before))
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = np.asarray(dis.calc(grey, other, None), np.float32)
    x, y = grid(height, width)
    moved = cv2.remap(other, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    trust = _trust(cv2.blur(cv2.absdiff(grey, moved).astype(np.float32), (5, 5)))
    return PairMotion(flow, trust, _camera(grey, flow, trust))


def _trust(difference: Float32Array) -> Float32Array:
    return np.asarray(1 / (1 + (difference / np.float32(SAME)) ** 4), np.float32)


def _camera(grey: UInt8Array, flow: Float32Array, trust: Float32Array) -> Float64Array:
    height, width = grey.shape
    texture = load_cv2().cornerMinEigenVal(grey, 9)
    pick = np.s_[POINTS // 2 :: POINTS, POINTS // 2 :: POINTS]
    unit = UNITS / max(height, width)
    places = np.stack(grid(height, width), axis=-1)[pick].reshape(-1, 2) * np.float32(unit)
    known = (trust * (texture > TEXTURE))[pick].reshape(-1)
    found = camera_motion(places, flow[pick].reshape(-1, 2) * np.float32(unit), known)
    if found is None:
        return np.eye(2, 3)
    return np.concatenate([found[:, :2], found[:, 2:] / unit], axis=1)
