"""Carries the canvas along with the scene, frame after frame, as a coarse mesh (``frames.CanvasMesh``)."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np

from videostyle.frames import CanvasMesh, Float32Array, UInt8Array
from videostyle.motion.layer_motion import motions_of_both, spread
from videostyle.motion.layers import Layers
from videostyle.motion.mesh import MeshShape, sampled
from videostyle.motion.ownership import Ownership
from videostyle.motion.reference_frame import ReferenceFrame, Step
from videostyle.motion.relaxation import relax
from videostyle.motion.renewal import Renewal
from videostyle.motion.scene_motion import SIDE, MotionMeter

DEAD = 0.15  # units; while the camera stands, a layer that moves by less counts as still


class CanvasTracker:
    """Gives the canvas mesh of each frame of a shot, from this frame and earlier ones only: live, and in plans.

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
        return self.seen(frame).meshes()[-1]

    def seen(self, frame: UInt8Array, frames: int = 1) -> SeenFrame:
        """Measures the motion of a frame. This half of the work does not wait for the meshes of earlier frames.

        Args:
            frame: uint8 ``[H, W, 3]`` RGB.
            frames: by how many it follows the frame before: 1, or 2 if one was passed over.
        """
        if self._shot is None or frame.shape[:2] != self._size:
            self._size = frame.shape[:2]
            self._shot = _Shot(MeshShape.of(*self._size), self._side, self._preset)
        return SeenFrame(self._shot.carrier, self._shot.step(frame, frames), self._size[0] / self._size[1])

    def mark(self) -> ReferenceFrame | None:
        """The state after the last frame so far, for ``back_to``."""
        return copy(self._shot.kept) if self._shot is not None else None

    def back_to(self, mark: ReferenceFrame | None) -> None:
        """Forgets the frames that were seen since ``mark``, all of one shot; their meshes must not be asked for."""
        if self._shot is not None:
            self._shot.kept = mark


@dataclass(frozen=True)
class SeenFrame:
    """A frame whose motion is known.

    Attributes:
        carrier: of the shot.
        step: the motion since the frame before; None for the first of a shot.
        sides: its height over its width.
    """

    carrier: _Carrier
    step: Step | None
    sides: float

    def meshes(self) -> list[CanvasMesh]:
        """The second half of the work: the frame's mesh, and before it that of the frame that was passed over.

        To be asked for once, of one frame after the other.
        """
        return self.carrier(self.step)


class _Shot:
    """The motion of one shot, and the carrier of its canvas."""

    def __init__(self, shape: MeshShape, side: int, preset: str) -> None:
        self._meter = MotionMeter(shape, side, preset)
        self.kept: ReferenceFrame | None = None
        self.carrier = _Carrier(shape)

    def step(self, frame: UInt8Array, frames: int) -> Step | None:
        """The motion since the last frame, which is ``frames`` before; None for the first."""
        grey = self._meter.grey(frame)
        if self.kept is None:
            self.kept = ReferenceFrame(self._meter, grey)
            return None
        return self.kept(grey, frames)


class _Carrier:
    """Carries the canvas of one shot."""

    def __init__(self, shape: MeshShape) -> None:
        self._here, self._pitch = shape.places(), shape.pitch
        self._cells = np.array([1 / along for along in shape.pitch], np.float32)  # cells in a unit
        self._layers = Layers.flat(shape)
        self._ownership = Ownership(self._layers)
        self._renewal = Renewal(self._layers, self._here, shape.pitch)
        self._mesh: CanvasMesh | None = None  # of the last frame
        self._rests = False  # whether a step in which nothing moves changes nothing either

    def __call__(self, step: Step | None) -> list[CanvasMesh]:
        """The meshes of the frames of the next step."""
        before, still = self._mesh, step is not None and step.nothing_moves
        if before is not None and step is not None and still and self._rests:
            return [before] * step.frames
        if step is not None:
            self._advance(step)
        self._mesh = now = CanvasMesh(self._layers.places.copy(), self._layers.share.copy())
        self._rests = bool(still and self._layers.single() and before and np.array_equal(before.places, now.places))
        passed_over = step.frames - 1 if before is not None and step is not None else 0
        return [*([between(before, now)] * passed_over if before is not None else []), now]

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
            # What stands still must not move at all: each layer where it is seen standing, and where it hardly moves.
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
        if single:  # the second lies where the first does, until it is laid out for something
            moving, cells = moving[:1], cells[:1]
        for places, motion, at in zip(layers.places, moving, cells, strict=False):
            moved = (motion[..., 0] != 0) | (motion[..., 1] != 0)
            if moved.any():
                places[moved] = sampled(places, layers.pitch, at[..., 0][moved], at[..., 1][moved])
        if single:
            layers.places[1] = layers.places[0]
        else:
            self._ownership.update(moving, cells[1], verdict)


def between(before: CanvasMesh, after: CanvasMesh) -> CanvasMesh:
    """The mesh of the frame in the middle between two frames of a shot.

    What was one layer's alone is still that one's: coordinates of the other may have been laid out anew since.
    """
    half = np.float32(0.5)
    alone = (before.share == 0) | (before.share == 1)
    share = np.where(alone, before.share, (before.share + after.share) * half)
    return CanvasMesh((before.places + after.places) * half, share)
