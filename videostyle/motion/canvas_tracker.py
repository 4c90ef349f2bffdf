"""Carries the canvas along with the scene, frame after frame, as a coarse mesh (``frames.CanvasMesh``)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from videostyle.frames import CanvasMesh, Float32Array, UInt8Array
from videostyle.motion.kept_picture import KeptPicture, Step
from videostyle.motion.layer_motion import motions_of_both, spread
from videostyle.motion.layers import Layers
from videostyle.motion.mesh import MeshShape, sampled
from videostyle.motion.ownership import Ownership
from videostyle.motion.relaxation import relax
from videostyle.motion.renewal import Renewal
from videostyle.motion.scene_motion import SIDE, MotionMeter

DEAD = 0.15  # units; a layer that moves less than this while the camera stands, stands


class CanvasTracker:
    """Tells for each frame of a shot where its places lie on the canvas; causal, the same live and in plans.

    Args:
        side: longer side, pixels, of the picture that flow is measured on.
        preset: of DIS; see ``MotionMeter``.
    """

    def __init__(self, side: int = SIDE, preset: str = "fast") -> None:
        self._side, self._preset = side, preset
        self._size = (0, 0)
        self._shot: _Shot | None = None

    def restart(self) -> None:
        """Forgets the scene: the next frame begins a new canvas, as after a cut."""
        self._shot = None

    def __call__(self, frame: UInt8Array) -> CanvasMesh:
        """The mesh of the next frame of the shot, uint8 ``[H, W, 3]`` RGB; a frame of another size begins anew."""
        return self.seen(frame).mesh()

    def seen(self, frame: UInt8Array) -> SeenFrame:
        """The first half of the work on the next frame, which needs nothing of the second halves of frames before."""
        if self._shot is None or frame.shape[:2] != self._size:
            self._size = frame.shape[:2]
            self._shot = _Shot(MeshShape.of(*self._size), self._side, self._preset)
        return SeenFrame(self._shot.carrier, self._shot.step(frame))


@dataclass(frozen=True)
class SeenFrame:
    """A frame whose motion is known.

    Attributes:
        carrier: of the shot.
        step: the motion since the frame before; None for the first of a shot.
    """

    carrier: _Carrier
    step: Step | None

    def mesh(self) -> CanvasMesh:
        """The second half of the work: the frame's mesh. To be asked for once, of one frame after the other."""
        return self.carrier(self.step)


class _Shot:
    """The motion of one shot, and who carries its canvas."""

    def __init__(self, shape: MeshShape, side: int, preset: str) -> None:
        self._meter = MotionMeter(shape, side, preset)
        self._kept: KeptPicture | None = None
        self.carrier = _Carrier(shape)

    def step(self, frame: UInt8Array) -> Step | None:
        """The motion since the frame before; None for the first."""
        grey = self._meter.grey(frame)
        if self._kept is None:
            self._kept = KeptPicture(self._meter, grey)
            return None
        return self._kept(grey)


class _Carrier:
    """Carries the canvas of one shot."""

    def __init__(self, shape: MeshShape) -> None:
        self._here, self._pitch = shape.places(), shape.pitch
        self._cells = np.array([1 / along for along in shape.pitch], np.float32)  # cells in a unit
        self._layers = Layers.flat(shape)
        self._ownership = Ownership(self._layers)
        self._renewal = Renewal(self._layers, self._here, shape.pitch)

    def __call__(self, step: Step | None) -> CanvasMesh:
        """The mesh after the next step."""
        if step is not None:
            self._advance(step)
        return CanvasMesh(self._layers.places.copy(), self._layers.share.copy())

    def _advance(self, step: Step) -> None:
        """From the frame before to this one."""
        motion, trust = step.scene.at_vertices()
        if self._layers.single():
            alone = spread(motion, trust, step.of_camera)
            moving, verdict = np.stack([alone, alone]), np.zeros_like(trust)
        else:
            moving, verdict = motions_of_both(step.scene, self._layers, step.of_camera, (motion, trust))
        stands = np.zeros(moving.shape[:3], bool)
        if step.camera_stands:
            # What stands, stands exactly: each layer where it is seen standing, and where it hardly moves.
            second = self._layers.second()
            stands = np.stack([~second, second]) & step.standing
            stands |= np.hypot(moving[..., 0], moving[..., 1]) < DEAD
            moving[stands] = 0
        self._carry(moving, verdict)
        self._renewal(moving, step.of_camera)
        relax(self._layers, stands, self._layers.pitch[0] / self._pitch[0])

    def _carry(self, moving: Float32Array, verdict: Float32Array) -> None:
        """Moves both layers, and with the second whom places belong to."""
        layers, single = self._layers, self._layers.single()
        cells = (self._here + moving) * self._cells
        for places, motion, at in zip(layers.places, moving, cells, strict=True):
            moved = (motion[..., 0] != 0) | (motion[..., 1] != 0)
            if moved.any():
                places[moved] = sampled(places, layers.pitch, at[..., 0][moved], at[..., 1][moved])
        if not single:
            self._ownership.update(moving, cells[1], verdict)
