"""Where a scene stands still, told by comparison with a picture kept of it.

Motion from frame to frame cannot tell: its noise adds up, and slow motion drowns in it. A displacement against a
kept picture grows only if something moves.

Lengths are in units (640ths of the longer side), grey levels are 0..255.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import Float32Array, Float64Array, UInt8Array
from videostyle.media.opencv import load_cv2
from videostyle.motion.camera import camera_motion, motion_at
from videostyle.motion.mesh import UNITS, MeshShape
from videostyle.motion.scene_motion import FINE, SMOOTHING, at_vertices, smaller_eigenvalue

FAST = 0.3  # units in a frame; motion between frames that is believed at once
SLOW = 0.2  # units from the kept picture; displacement that is made up for in one step
BELIEVED = 3  # frames in a row that a displacement must last
SETTLED = 12  # frames without motion until the picture of a place is kept anew
STILL = 8  # frames without motion until the camera is said to stand
STANDS = 0.3  # share of the places that must stand for the camera to stand
FEWEST = 0.02  # share of the places that must be certain; otherwise all are asked
GONE = 0.85  # share of the places that must move for the camera to move again
CHANGED = 9.0  # change of a place, in variances of the noise
QUIET, LOUD = 0.5, 60.0  # bounds of the noise's variance
CERTAIN = 0.1  # units; error of a displacement, up to which a place has a say about the camera
USUAL = 0.2  # units; displacement expected before looking: where nothing can be seen, nothing moves
LEARNING, LEVELS = 1 / 8, 1.0  # how fast the kept picture follows, and by how many levels at most in a frame
REFRESHED = 8  # frames between two looks at the gradients of the kept picture

Mask = NDArray[np.bool_]


class Stillness:
    """Says which vertices of a mesh stand still, and moves them by small steps where the scene creeps.

    Attributes:
        camera_stands: whether the camera stands.
        standing: bool ``[rows, columns]``, vertices that stand; all False while the camera moves.
    """

    def __init__(self, shape: MeshShape) -> None:
        self._shape = shape
        self._here = shape.places()
        size = (shape.rows, shape.columns)
        self.camera_stands = False
        self.standing: Mask = np.zeros(size, bool)
        self._kept: _KeptPicture | None = None
        self._still = STILL - 2  # frames in a row; where a shot begins standing, two frames tell
        self._displaced, self._quiet = np.zeros(size, np.int16), np.zeros(size, np.int16)

    def __call__(self, picture: UInt8Array, motion: Float32Array, trust: Float32Array) -> Float32Array:
        """Looks at the next frame and updates ``standing``.

        Args:
            picture: grey picture of the frame, ``[h, w]``.
            motion: since the frame before, ``[rows, columns, 2]`` in units.
            trust: in it, ``[rows, columns]``.

        Returns:
            Steps that standing vertices are to make, ``[rows, columns, 2]`` in units; nearly always all zero.
        """
        step = np.zeros_like(motion)
        speed = np.hypot(motion[..., 0], motion[..., 1])
        fast = speed > FAST
        if self._kept is None or (not self.camera_stands and (fast * trust).sum() > (1 - STANDS) * trust.sum()):
            self._still = self._still if self._kept is None else 0
            self._kept = _KeptPicture(picture, self._shape)
            return step
        kept = self._kept
        displacement, change, certain = kept.compare(picture, self.standing)
        far = np.hypot(displacement[..., 0], displacement[..., 1]) > SLOW
        changed = change > CHANGED * kept.noise
        voters = certain if certain.mean() > FEWEST else np.ones_like(certain)
        if not self.camera_stands:
            self._still = self._still + 1 if (far | changed)[voters].mean() < 1 - STANDS else 0
            if self._still == 0:
                self._kept = _KeptPicture(picture, self._shape)
            self.camera_stands = self._still >= STILL
            self.standing = ~(far | changed) if self.camera_stands else self.standing
            self._displaced[:] = self._quiet[:] = 0
            return step
        leaves = changed & fast
        if (leaves | far)[voters].mean() > GONE and leaves[voters].mean() > 0.5:
            self._leave()
            return step
        self._displaced = np.where(far & ~leaves, self._displaced + 1, 0).astype(np.int16)
        self._quiet = np.where(self.standing | (speed > FAST / 3), 0, self._quiet + 1).astype(np.int16)
        settled = self._quiet >= SETTLED
        self.standing = (self.standing & ~leaves) | ~(far | changed) | settled
        creeping = (self._displaced >= BELIEVED) & self.standing
        anew = settled | creeping
        if (creeping & voters).sum() > 0.5 * voters.sum():
            self._leave()
            return self._of_all(displacement, certain)
        if creeping.any():
            step[creeping] = displacement[creeping]
        kept.learn(picture, anew)
        self._displaced[anew] = self._quiet[anew] = 0
        return step

    def _leave(self) -> None:
        """The camera moves."""
        self.camera_stands, self.standing, self._kept, self._still = False, np.zeros_like(self.standing), None, 0

    def _of_all(self, displacement: Float32Array, certain: Mask) -> Float32Array:
        """The step of the whole picture where most of it creeps."""
        trust = certain.astype(np.float32).ravel()
        camera: Float64Array | None = camera_motion(self._here.reshape(-1, 2), displacement.reshape(-1, 2), trust)
        return np.zeros_like(displacement) if camera is None else motion_at(camera, self._here)


class _KeptPicture:
    """A picture, what it looks like around each vertex, and the noise of pictures that look the same."""

    def __init__(self, picture: UInt8Array, shape: MeshShape) -> None:
        self._picture = picture.astype(np.float32)
        self._lattice = (FINE * (shape.columns - 1), FINE * (shape.rows - 1))
        self._scale = UNITS / max(picture.shape)  # units of a pixel
        self.noise = 4.0
        self._age = 0
        self._look()

    def _around(self, *maps: Float32Array) -> list[Float32Array]:
        """Means of up to four maps around the vertices."""
        cv2 = load_cv2()
        small = cv2.resize(cv2.merge(maps), self._lattice, interpolation=cv2.INTER_AREA)
        return list(np.moveaxis(at_vertices(cv2.GaussianBlur(small, (0, 0), SMOOTHING)), -1, 0))

    def _look(self) -> None:
        cv2 = load_cv2()
        gx = cv2.Scharr(self._picture, cv2.CV_32F, 1, 0, scale=1 / 32)
        gy = cv2.Scharr(self._picture, cv2.CV_32F, 0, 1, scale=1 / 32)
        self._gradients = gx, gy
        xx, yy, xy = self._around(gx * gx, gy * gy, gx * gy)
        self._x, self._y = self._around(gx, gy)
        self._xx, self._yy, self._xy = xx - self._x**2, yy - self._y**2, xy - self._x * self._y

    def compare(self, picture: UInt8Array, standing: Mask) -> tuple[Float32Array, Float32Array, Mask]:
        """How far a frame is displaced against the kept picture around each vertex.

        One step of Lucas and Kanade, held back by the noise; differences of brightness are left out.

        Returns:
            Displacement ``[rows, columns, 2]`` in units, variance of what it leaves unexplained ``[rows, columns]``
            in squared levels, and where the displacement is certain.
        """
        difference = picture - self._picture
        gx, gy = self._gradients
        bx, by, mean, energy = self._around(gx * difference, gy * difference, difference, difference * difference)
        bx, by, energy = bx - self._x * mean, by - self._y * mean, energy - mean**2
        pixels = 4 * np.pi * (SMOOTHING * picture.shape[1] / self._lattice[0]) ** 2  # of the Gaussian window
        held = self.noise / (pixels * (USUAL / self._scale) ** 2)
        xx, yy = self._xx + held, self._yy + held
        determinant = xx * yy - self._xy**2
        dx, dy = (yy * bx - self._xy * by) / determinant, (xx * by - self._xy * bx) / determinant
        change = np.maximum(energy - dx * bx - dy * by, 0)
        sample = change[standing] if standing.any() else change[change <= np.quantile(change, 0.5)]
        self.noise = 0.9 * self.noise + 0.1 * float(np.clip(np.median(sample), QUIET, LOUD))
        weakest = smaller_eigenvalue(self._xx, self._yy, self._xy)
        certain = weakest * pixels * (CERTAIN / self._scale) ** 2 > self.noise
        return np.stack([dx, dy], axis=-1) * np.float32(self._scale), change, certain

    def learn(self, picture: UInt8Array, anew: Mask) -> None:
        """Lets the kept picture follow; takes the frame's as it is around the vertices ``anew``."""
        cv2 = load_cv2()
        self._picture += np.clip((picture - self._picture) * np.float32(LEARNING), -LEVELS, LEVELS)
        if anew.any():
            # Vertices lie on the frame's corners, pixels between them: the mesh is wider than the picture.
            height, width = picture.shape
            part = cv2.resize(anew.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
            self._picture += part * (picture - self._picture)
        self._age += 1
        if self._age % REFRESHED == 0 or anew.any():
            self._look()
