"""Carries the canvas through a clip with a look-ahead of one frame: half the work where the scene moves evenly.

Where a scene moves on as it did, its motion over two frames is measured as exactly as that over one, so that half of
the error is left for each. The frame between them is passed over: its canvas lies in the middle. A hand-held camera, a
thing that moves fast or by jerks, and the first frames of a shot are measured frame by frame.
"""

from __future__ import annotations

import numpy as np

from videostyle.frames import Float32Array, UInt8Array
from videostyle.motion.canvas_tracker import CanvasTracker, SeenFrame
from videostyle.motion.reference_frame import Step
from videostyle.motion.scene_motion import SceneMotion

EVEN = 8  # steps in a row that must be even, before a frame is passed over
KNOWN = 0.3  # trust of a motion that counts
FEWEST = 50  # places that are known, without which nothing is said to move evenly
FASTEST = 6.0  # units in a frame, that no place exceeds
CHANGE, CHANGE_OF_FEW = 0.25, 0.6  # units in a frame, by which half of the places and 90 % of them may move otherwise


class LookaheadTracker:
    """Gives the canvas mesh of each frame of a clip, up to one frame later than ``CanvasTracker``.

    Args:
        tracker: looks at frames; None = one of the usual exactness.
    """

    def __init__(self, tracker: CanvasTracker | None = None) -> None:
        self._tracker = tracker or CanvasTracker()
        self._shape: tuple[int, ...] = ()
        self._passed_over: UInt8Array | None = None
        self._evenness = _Evenness()

    def __call__(self, frame: UInt8Array, cut: bool) -> list[SeenFrame]:
        """Takes the next frame, and gives those whose motion is known by it.

        Args:
            frame: uint8 ``[H, W, 3]`` RGB.
            cut: whether a shot begins with it.
        """
        if cut or frame.shape != self._shape:
            before = self.rest()
            self._shape = frame.shape
            self._tracker.restart()
            return [*before, self._seen(frame)]
        waiting, self._passed_over = self._passed_over, None
        if waiting is not None:
            return self._seen_both(waiting, frame)
        if self._evenness.steps >= EVEN:
            self._passed_over = frame
            return []
        return [self._seen(frame)]

    def rest(self) -> list[SeenFrame]:
        """The last frame so far, if its motion is not known yet."""
        waiting, self._passed_over = self._passed_over, None
        return [] if waiting is None else [self._seen(waiting)]

    def _seen(self, frame: UInt8Array) -> SeenFrame:
        seen = self._tracker.seen(frame)
        self._evenness.add(seen.step)
        return seen

    def _seen_both(self, first: UInt8Array, second: UInt8Array) -> list[SeenFrame]:
        """Both frames in one step, or in two if the scene does not move as evenly as it did."""
        before = self._tracker.mark()
        seen = self._tracker.seen(second, frames=2)
        self._evenness.add(seen.step)
        if self._evenness.steps:
            return [seen]
        self._tracker.back_to(before)
        return [self._seen(first), self._seen(second)]


class _Evenness:
    """For how many steps a scene has moved evenly."""

    def __init__(self) -> None:
        self.steps = 0
        self._before: tuple[Float32Array, Float32Array] | None = None  # motion in a frame, and trust

    def add(self, step: Step | None) -> None:
        """Looks at the next step; None for the first frame of a shot."""
        before, self._before = self._before, None
        if step is None:
            self.steps = 0
            return
        now = _in_a_frame(step.scene, step.frames)
        self._before = now
        self.steps = self.steps + 1 if before is not None and _even(before, now) else 0


def _in_a_frame(scene: SceneMotion, frames: int) -> tuple[Float32Array, Float32Array]:
    """Motion and trust of every second place each way; the arrays change later."""
    return scene.motion[::2, ::2] / np.float32(frames), scene.trust[::2, ::2].copy()


def _even(before: tuple[Float32Array, Float32Array], now: tuple[Float32Array, Float32Array]) -> bool:
    known = (before[1] > KNOWN) & (now[1] > KNOWN)
    if known.sum() < FEWEST:
        return False
    motion = now[0][known]
    change = motion - before[0][known]
    half, most = np.percentile(np.hypot(change[:, 0], change[:, 1]), (50, 90))
    if half > CHANGE or most > CHANGE_OF_FEW:
        return False
    return bool(np.hypot(motion[:, 0], motion[:, 1]).max() < FASTEST)
