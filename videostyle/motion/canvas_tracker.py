"""Carries the canvas along with the scene, frame after frame, as a coarse mesh (design: docstring of CanvasMesh)."""

from __future__ import annotations

import numpy as np

from videostyle.frames import CanvasMesh, Float32Array, UInt8Array
from videostyle.motion.camera import camera_motion, motion_at
from videostyle.motion.mesh import continued, sample_continued
from videostyle.motion.vertex_motion import GreyPicture, MeshShape, MotionMeter, VertexMotion

UNTRUSTED = 0.05  # trust at which the motion that was measured and the camera's count the same


class CanvasTracker:
    """Tells for each frame of a shot where its places lie on the canvas; causal, the same live and in plans.

    Args:
        side: longer side of the picture that flow is measured on.
        preset: of DIS; see ``MotionMeter``.
    """

    def __init__(self, side: int = 640, preset: str = "fast") -> None:
        self._side, self._preset = side, preset
        self._meter: MotionMeter | None = None
        self._before: GreyPicture | None = None
        self._size = (0, 0)
        self._mesh = CanvasMesh(np.zeros((2, 2, 2, 2), np.float32), np.zeros((2, 2), np.float32))

    def restart(self) -> None:
        """Forgets the scene: the next frame begins a new canvas, as after a cut."""
        self._before = None

    def __call__(self, frame: UInt8Array) -> CanvasMesh:
        """The mesh of the next frame of the shot, uint8 ``[H, W, 3]`` RGB; a frame of another size begins anew."""
        if self._meter is None or frame.shape[:2] != self._size:
            self._size = frame.shape[:2]
            self._meter = MotionMeter(MeshShape.of(*self._size), self._side, self._preset)
            self._before = None
        grey = self._meter.grey(frame)
        if self._before is None:
            self._mesh = _fresh(self._meter.shape)
        else:
            self._mesh = self._carried(self._meter.shape, self._meter(grey, self._before))
        self._before = grey
        return self._mesh

    def _carried(self, shape: MeshShape, measured: VertexMotion) -> CanvasMesh:
        here = shape.places()
        camera = camera_motion(here.reshape(-1, 2), measured.motion.reshape(-1, 2), measured.trust.ravel())
        global_motion = motion_at(camera, here) if camera is not None else np.zeros_like(here)
        weight = (measured.trust / (measured.trust + UNTRUSTED))[..., None]
        motion = weight * measured.motion + (1 - weight) * global_motion
        cells = ((here + motion) / np.array(shape.pitch)).astype(np.float32)
        pitch = (shape.pitch[0] / shape.height, shape.pitch[1] / shape.height)
        places = np.stack(
            [sample_continued(continued(layer, pitch), cells[..., 0], cells[..., 1]) for layer in self._mesh.places]
        )
        return CanvasMesh(places, self._mesh.share)


def _fresh(shape: MeshShape) -> CanvasMesh:
    """The mesh of the first frame of a shot: the canvas lies flat on it."""
    flat: Float32Array = shape.places() / np.float32(shape.height)
    return CanvasMesh(np.stack([flat, flat + 7]), np.zeros((shape.rows, shape.columns), np.float32))
