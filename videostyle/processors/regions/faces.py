"""Faces, tracked through frames in which the detector misses them."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from videostyle.frames import Float32Array, UInt8Array, VideoInfo
from videostyle.media.opencv import load_cv2
from videostyle.processors.detectors.faces import FaceFinder, face_finder, model_files, overlap
from videostyle.processors.regions.protocol import Region, RegionOptions
from videostyle.processors.regions.window import Window

NEAR = 2  # frames on each side whose boxes steady that of a frame
SAME = 0.25  # intersection over union above which boxes of two frames are the same face
SPREAD = 0.04  # share of its size by which a box that was carried on grows with each frame
ROUND = 0.78  # half axes of the ellipse, in sides of the box; its corners lie at 0.71
SAMPLES = 12  # places across a box that tell of its motion
FOREHEAD = 0.08  # share of the height by which the ellipse lies above the box


class FacesOptions(RegionOptions):
    """How carefully to look."""

    feather: float = Field(4.0, ge=0, le=500, description="pixels over which its edge is soft, to each side")
    hold: int = Field(
        8, ge=0, le=30, description="frames for which a face is kept when it is found no more, and begun earlier"
    )
    score: float = Field(0.5, gt=0, lt=1, description="how sure the detector must be; less finds more, wrong ones too")
    detail: int = Field(1, ge=1, le=3, description="2 finds faces half as large, 3 a third, and takes longer")
    model: str = Field("", description="a detector of your own: BlazeFace (.tflite) or YuNet (.onnx)")
    sha256: str = Field("", description="checksum of that file, 12 digits at least")


class Faces(Region[FacesOptions]):
    """Faces; they are held for some frames when the detector misses them."""

    schema = FacesOptions

    def __init__(self, options: FacesOptions) -> None:
        super().__init__(options)
        self.history = self.lookahead = options.hold
        self.files = (options.model,) if options.model else ()
        self._find: FaceFinder | None = None

    def check(self) -> None:
        """Looks for the detector."""
        model_files(self.options.model, self.options.sha256)

    def open(self, info: VideoInfo) -> None:
        """Loads the detector."""
        if self._find is None:
            files = model_files(self.options.model, self.options.sha256)
            self._find = face_finder(files, self.options.score, self.options.detail)

    def boxes(self, window: Window, at: int) -> Float32Array:
        """Boxes that hold all faces of a frame, float32 ``[N, 4]``: left, top, right and bottom in pixels.

        Those that were found in it; and those found within ``hold`` frames of it, carried along the motion, where none
        of these is.
        """
        found = self._detected(window, at)[:, :4].copy()
        own = len(found)
        steadied = [[box] for box in found]
        for step in range(1, self.options.hold + 1):
            for other in (at - step, at + step):
                if not 0 <= other < len(window.frames):
                    continue
                for box in self._carried(window, other, at):
                    match = np.flatnonzero(overlap(box, found) > SAME)
                    if not len(match):
                        found = np.concatenate([found, wider(box, SPREAD * step)[None]])
                    elif step <= NEAR and match[0] < own:
                        steadied[match[0]].append(box)
                    elif match[0] >= own:  # of a face that is missed here, all places where it may be
                        found[match[0]] = hull(found[match[0]], wider(box, SPREAD * step))
        for number, boxes in enumerate(steadied):
            # Steadier with its neighbours, and never smaller than what was found.
            found[number] = hull(found[number], np.mean(boxes, axis=0))
        return found

    def _detected(self, window: Window, at: int) -> Float32Array:
        seen = window.frames[at]
        if self._find is None:
            raise ValueError("open() comes first")
        find = self._find
        return window.memory.of("faces", seen.key, lambda: find(seen.frame))

    def _carried(self, window: Window, at: int, to: int) -> Float32Array:
        """Boxes that were found in frame ``at``, carried along the motion to frame ``to``."""
        if at == to:
            return self._detected(window, at)[:, :4]
        if not len(self._detected(window, at)):  # no motion needs to be measured
            return np.zeros((0, 4), np.float32)
        last = to - 1 if to > at else to + 1
        key = window.frames[at].key, window.frames[to].key
        return window.memory.of("carried", key, lambda: moved_boxes(self._carried(window, at, last), window, last, to))

    def find(self, window: Window, at: int) -> UInt8Array:
        """Ellipses around the faces."""
        height, width = window.frames[at].frame.shape[:2]
        mask = np.zeros((height, width), np.uint8)
        for box in self.boxes(window, at):
            draw_ellipse(mask, box)
        return mask

    def close(self) -> None:
        """Frees the detector."""
        self._find = None


def moved_boxes(boxes: Float32Array, window: Window, at: int, to: int) -> Float32Array:
    """Boxes of frame ``at`` in frame ``to``, a neighbour of it, moved as what they hold."""
    later = to > at
    motion = window.motion(to if later else at)
    height, width = motion.flow.shape[:2]
    frame = window.frames[at].frame
    scale = np.array([frame.shape[1] / width, frame.shape[0] / height], np.float32)
    found = []
    for box in boxes:
        left, top = np.clip(np.floor(box[:2] / scale).astype(int), 0, (width - 1, height - 1))
        right, bottom = np.clip(np.ceil(box[2:4] / scale).astype(int), (left + 1, top + 1), (width, height))
        steps = max(1, (bottom - top) // SAMPLES), max(1, (right - left) // SAMPLES)
        sample = motion.flow[top : bottom : steps[0], left : right : steps[1]].reshape(-1, 2)
        shift = np.sort(sample, axis=0)[len(sample) // 2] * scale
        # Flow leads to the frame before; on the way to a later one it is taken where the box was.
        found.append(box + (-1 if later else 1) * np.concatenate([shift, shift]).astype(np.float32))
    return np.asarray(found, np.float32).reshape(-1, 4)


def wider(box: Float32Array, share: float) -> Float32Array:
    """A box larger by a share of its sides, in all directions."""
    by = (box[2:4] - box[:2]) * np.float32(share)
    return np.concatenate([box[:2] - by, box[2:4] + by]).astype(np.float32)


def hull(box: Float32Array, other: Float32Array) -> Float32Array:
    """The smallest box that holds two."""
    return np.concatenate([np.minimum(box[:2], other[:2]), np.maximum(box[2:4], other[2:4])]).astype(np.float32)


def draw_ellipse(mask: UInt8Array, box: Float32Array) -> None:
    """Draws an ellipse that holds a box, and a forehead above it, into a mask."""
    sides = box[2:4] - box[:2]
    middle = (box[:2] + box[2:4]) / 2 - np.array([0, FOREHEAD * sides[1]], np.float32)
    half = np.maximum(sides * np.float32(ROUND), 1)
    fixed = [tuple(round(16 * float(value)) for value in pair) for pair in (middle, half)]
    cv2 = load_cv2()
    cv2.ellipse(mask, fixed[0], fixed[1], 0, 0, 360, 255, -1, cv2.LINE_AA, 4)
