"""Where the canvas lies at each frame of a clip."""

from __future__ import annotations

import numpy as np

from videostyle.frames import CanvasMesh, UInt8Array
from videostyle.motion.canvas_tracker import CanvasTracker
from videostyle.motion.mesh_store import MeshRecorder, MeshTrack

SQUARE = 0.01  # by how much a pixel's sides may differ from each other and be taken for equal


class CanvasFollower:
    """Carries the canvas through a clip and keeps where it lies at each frame.

    Args:
        aspect: width over height of the frames as they are painted; a decoder's may have pixels of another shape.
    """

    def __init__(self, aspect: float) -> None:
        self._aspect = aspect
        self._tracker, self._recorder = CanvasTracker(), MeshRecorder()

    def __call__(self, frame: UInt8Array, cut: bool) -> None:
        """Takes the next frame, uint8 ``[H, W, 3]``, channels in any order, and whether a shot begins with it."""
        if cut:
            self._tracker.restart()
        mesh = self._tracker(frame)
        stretch = np.float32(self._aspect * frame.shape[0] / frame.shape[1])
        if abs(stretch - 1) > SQUARE:
            mesh = CanvasMesh(mesh.places * np.array([stretch, 1], np.float32), mesh.share)
        self._recorder.add(mesh)

    def track(self) -> MeshTrack:
        """The meshes of all frames that it was given."""
        return self._recorder.track()
