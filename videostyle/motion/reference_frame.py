"""Motion of the scene from frame to frame, exactly zero where it stands still.

Motion between neighbouring frames cannot tell what stands still: its noise adds up, and slow motion drowns in it. So
frames are compared with a *reference frame*. While the camera stands still, the reference keeps its pixels around the
vertices that stand still, so that a displacement against it grows only if something moves. Around moving vertices its
pixels are replaced with every frame.

Lengths are in units (``motion.mesh``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from videostyle.frames import Float32Array, UInt8Array
from videostyle.media.opencv import load_cv2
from videostyle.motion.camera import camera_motion, motion_at
from videostyle.motion.layers import Mask
from videostyle.motion.scene_motion import MotionMeter, SceneMotion, on_lattice

KNOWN = 0.3  # trust of a motion that counts as seen
DEAD = 0.25  # units; what is displaced by less against the reference frame stands still
SURE = 2.0  # times its estimated error that a motion must be to be believed
STANDS = 0.2  # share of the known places that must stand, for a camera that stood to stand on
FEWEST = 12  # known places without which nothing is said of the camera
BLIND = 3  # frames in a row that may tell nothing (a flash) while a moving camera is taken to move on


@dataclass(frozen=True)
class Step:
    """Motion from a frame to one before.

    Attributes:
        scene: what was measured; zero and trusted where the scene stands.
        of_camera: float32 ``[rows, columns, 2]``, motion of the camera.
        standing: bool ``[rows, columns]``, vertices that stand while the camera does; all False while it moves.
        frames: that lie between the two, the later one included.
    """

    scene: SceneMotion
    of_camera: Float32Array
    standing: Mask
    frames: int = 1

    @property
    def camera_stands(self) -> bool:
        """Whether the camera stands."""
        return not self.of_camera.any()

    @property
    def nothing_moves(self) -> bool:
        """Whether the whole scene stands."""
        return bool(self.standing.all()) and not self.scene.motion.any()


class ReferenceFrame:
    """Follows the motion of one shot.

    Args:
        meter: measures motion between pictures.
        first: the first frame.
    """

    def __init__(self, meter: MotionMeter, first: UInt8Array) -> None:
        self._meter, self._picture = meter, first
        self._here = meter.shape.places()
        self._stands = True
        self._blind = 0
        self._known: int | None = None  # places known in the last frame that told something
        nothing = np.zeros_like(self._here)
        self._velocity = nothing  # of the camera, in one frame
        self._stepped = nothing  # motion since the camera stands, that the reference frame has followed
        self._ahead = nothing  # motion that was concluded in blind frames, that the reference frame has not followed

    def __call__(self, now: UInt8Array, frames: int = 1) -> Step:
        """The step to a frame that is ``frames`` further on."""
        if self._stands and self._known is not None and np.array_equal(now, self._picture):
            return self._nothing(frames)
        scene = self._meter(now, self._picture)
        motion, trust = scene.at_vertices()
        error = scene.error_at_vertices(trust)
        known = int((trust > KNOWN).sum())
        camera = self._camera(self._stepped + motion, trust, error)
        if self._blind < BLIND and (known < (self._known or 0) / 2 or (camera is None and not self._stands)):
            return self._concluded(scene, frames)
        self._known = known
        if camera is None or self._stands:
            self._stands = True
            moving = _length(motion) > DEAD + SURE * error
            slow = (_length(motion) < 2 * DEAD)[..., None]
            self._stepped = np.where(moving[..., None], np.where(slow, self._stepped + motion, 0), self._stepped)
            self._picture = self._followed(now, moving | (trust < KNOWN))
            standing = on_lattice((~moving).astype(np.float32)) > 0.5
            scene.motion[standing], scene.trust[standing] = 0, 1
            self._velocity = np.zeros_like(motion)
            step = Step(scene, self._velocity, ~moving, frames)
        else:
            moved = (camera - self._stepped - self._ahead).astype(np.float32)
            self._velocity = moved / np.float32(frames)
            scene.motion[:] -= on_lattice(self._ahead)
            step = Step(scene, moved, np.zeros(trust.shape, bool), frames)
            self._stepped = np.zeros_like(motion)
            self._picture = now
        self._blind, self._ahead = 0, np.zeros_like(motion)
        return step

    def _nothing(self, frames: int) -> Step:
        """The step to a frame that equals the reference frame, as in recordings of screens."""
        vertices, lattice = self._here.shape[:2], self._meter.lattice
        self._blind, self._ahead, self._velocity = 0, np.zeros_like(self._here), np.zeros_like(self._here)
        scene = SceneMotion(np.zeros((*lattice, 2), np.float32), np.ones(lattice, np.float32))
        return Step(scene, self._velocity, np.ones(vertices, bool), frames)

    def _concluded(self, scene: SceneMotion, frames: int) -> Step:
        """The step to a frame that tells nothing: the camera goes on as it did."""
        moved = self._velocity * np.float32(frames)
        self._blind += 1
        self._ahead = self._ahead + moved
        scene.motion[:], scene.trust[:] = on_lattice(moved), 1
        return Step(scene, moved, np.full(moved.shape[:2], self._stands), frames)

    def _camera(self, motion: Float32Array, trust: Float32Array, error: Float32Array) -> Float32Array | None:
        """Motion of the camera since the reference frame, ``[rows, columns, 2]``; None if nothing is known of it.

        Says in ``_stands`` whether it stands.
        """
        known = trust > KNOWN
        if known.sum() < FEWEST:
            return None
        rests = _length(motion) < DEAD + error
        if self._stands and rests[known].mean() > STANDS:
            return np.zeros_like(motion)
        found = camera_motion(self._here.reshape(-1, 2), motion.reshape(-1, 2), trust.ravel())
        if found is None:
            return None
        moves = motion_at(found, self._here)
        # Something large may move before a ground of little texture: there the motion is not known well, but well
        # enough to tell that it is not the same.
        if self._stands and (rests & (_length(motion - moves) > DEAD + SURE * error)).mean() > STANDS:
            return np.zeros_like(motion)
        self._stands = bool(_length(moves).mean() < DEAD / 2)
        return moves

    def _followed(self, now: UInt8Array, where: Mask) -> UInt8Array:
        """The reference frame, with the pixels of ``now`` around the vertices ``where``."""
        if not where.any():
            return self._picture
        cv2 = load_cv2()
        height, width = now.shape
        part = cv2.resize(where.astype(np.uint8) * 255, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.where(part > 127, now, self._picture)


def _length(vectors: Float32Array) -> Float32Array:
    return np.asarray(np.hypot(vectors[..., 0], vectors[..., 1]), np.float32)
