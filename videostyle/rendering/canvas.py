"""Tracks the canvas through a clip for its plan, while the clip is read."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from videostyle.frames import CanvasMesh, UInt8Array
from videostyle.motion.canvas_tracker import SeenFrame
from videostyle.motion.lookahead_tracker import LookaheadTracker
from videostyle.motion.mesh_store import MeshRecorder, MeshTrack

SQUARE = 0.01  # largest relative difference of a pixel's sides at which it counts as square
AHEAD = 4  # frames that may be read ahead of the canvas


class CanvasFollower:
    """Tracks the canvas through a clip, and records its mesh at each frame.

    One thread measures motion and another carries the canvas along, a frame behind it, while the caller decodes.

    Args:
        aspect: width over height of the painted frames; decoded frames may have pixels that are not square.
    """

    def __init__(self, aspect: float) -> None:
        self._aspect = aspect
        self._tracker, self._recorder = LookaheadTracker(), MeshRecorder()
        self._seeing = ThreadPoolExecutor(1, thread_name_prefix="motion")
        self._carrying = ThreadPoolExecutor(1, thread_name_prefix="canvas")
        self._waiting: deque[Future[None]] = deque()

    def __call__(self, frame: UInt8Array, cut: bool) -> None:
        """Takes the next frame.

        Args:
            frame: uint8 ``[H, W, 3]``, channels in any order.
            cut: whether a shot begins with it.
        """
        self._waiting.append(self._carrying.submit(self._record, self._seeing.submit(self._tracker, frame, cut)))
        while len(self._waiting) > AHEAD:
            self._waiting.popleft().result()

    def _record(self, seen: Future[list[SeenFrame]]) -> None:
        for mesh, sides in ((mesh, one.sides) for one in seen.result() for mesh in one.meshes()):
            stretch = np.float32(self._aspect * sides)
            if abs(stretch - 1) > SQUARE:
                mesh = CanvasMesh(mesh.places * np.array([stretch, 1], np.float32), mesh.share)
            self._recorder.add(mesh)

    def track(self) -> MeshTrack:
        """The meshes of all frames, after the last one was given."""
        self._waiting.append(self._carrying.submit(self._record, self._seeing.submit(self._tracker.rest)))
        while self._waiting:
            self._waiting.popleft().result()
        return self._recorder.track()

    def close(self) -> None:
        """Ends the threads; frames that wait are dropped."""
        for pool in (self._seeing, self._carrying):
            pool.shutdown(cancel_futures=True)
