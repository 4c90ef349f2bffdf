"""Tracks the canvas through a clip for its plan."""

from __future__ import annotations

import numpy as np

from videostyle.frames import CanvasMesh, UInt8Array
from videostyle.motion.canvas_tracker import CanvasTracker
from videostyle.motion.mesh_store import MeshRecorder, MeshTrack

SQUARE = 0.01  # largest relative difference of a pixel's sides at which it counts as square


class CanvasFollower:
    """Tracks the canvas through a clip, and records its mesh at each frame.

    Args:
        aspect: width over height of the painted frames; decoded frames may have pixels that are not square.
    """

    def __init__(self, aspect: float) -> None:
        self._aspect = aspect
        self._tracker, self._recorder = CanvasTracker(), MeshRecorder()

    def __call__(self, frame: UInt8Array, cut: bool) -> None:
        """Takes the next frame.

        Args:
            frame: uint8 ``[H, W, 3]``, channels in any order.
            cut: whether a shot begins with it.
        """
        if cut:
            self._tracker.restart()
        mesh = self._tracker(frame)
        stretch = np.float32(self._aspect * frame.shape[0] / frame.shape[1])
        if abs(stretch - 1) > SQUARE:
            mesh = CanvasMesh(mesh.places * np.array([stretch, 1], np.float32), mesh.share)
        self._recorder.add(mesh)

    def track(self) -> MeshTrack:
        """The meshes of all frames so far."""
        return self._recorder.track()
