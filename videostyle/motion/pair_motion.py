"""Motion between two frames, pixel by pixel, as masks and pictures are carried along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from videostyle.frames import AnyArray, Float32Array, Float64Array, UInt8Array
from videostyle.media.opencv import load_cv2
from videostyle.motion.camera import camera_motion
from videostyle.motion.flow import grid
from videostyle.motion.mesh import UNITS, MeshShape
from videostyle.motion.scene_motion import MotionMeter

SAME = 12.0  # grey levels that a place may differ from where it came from, and still be trusted by half
AROUND = 5  # pixels of a side over which they are averaged


@dataclass(frozen=True)
class PairMotion:
    """Motion from a frame to the one before, on a small picture.

    Attributes:
        flow: float32 ``[h, w, 2]`` in pixels of the small picture (``motion.flow``).
        trust: float32 ``[h, w]``, 0..1: whether a place looks as it did where it came from; 0 all over at a cut.
        camera: affine map ``[2, 3]`` from places of the small picture to where the camera saw them before; the
            identity where none was found.
    """

    flow: Float32Array
    trust: Float32Array
    camera: Float64Array


def pair_motion(now: UInt8Array, before: UInt8Array) -> PairMotion:
    """Motion from ``now`` to ``before``, uint8 ``[h, w, 3]``, at most ``scene_motion.SIDE`` pixels wide and high."""
    cv2 = load_cv2()
    height, width = now.shape[:2]
    meter = MotionMeter(MeshShape.of(height, width), max(height, width))
    grey, other = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (now, before))
    scene, flow = meter.with_flow(grey, other)
    unit = UNITS / max(height, width)
    motion, known = scene.at_vertices()
    camera = camera_motion(meter.shape.places().reshape(-1, 2), motion.reshape(-1, 2), known.ravel())
    found = np.eye(2, 3) if camera is None else np.concatenate([camera[:, :2], camera[:, 2:] / unit], axis=1)
    return PairMotion(flow, trust_in(flow, grey, other), found)


def trust_in(flow: Float32Array, now: UInt8Array, before: UInt8Array) -> Float32Array:
    """Whether places of a grey picture ``[h, w]`` look as they did where flow says that they came from, 0..1."""
    cv2 = load_cv2()
    apart = cv2.absdiff(now, carried(before, flow)).astype(np.float32)
    return np.asarray(1 / (1 + (cv2.blur(apart, (AROUND, AROUND)) / np.float32(SAME)) ** 4), np.float32)


def carried(picture: AnyArray, flow: Float32Array, *, sharp: bool = False) -> AnyArray:
    """A picture of the frame before, ``[h, w]`` or ``[h, w, C]``, as seen now; ``sharp``: by cubic interpolation."""
    cv2 = load_cv2()
    x, y = grid(*flow.shape[:2])
    method = cv2.INTER_CUBIC if sharp else cv2.INTER_LINEAR
    places = x + flow[..., 0], y + flow[..., 1]
    return np.asarray(cv2.remap(picture, *places, method, borderMode=cv2.BORDER_REPLICATE))


def enlarged(flow: Float32Array, size: tuple[int, int]) -> Float32Array:
    """Flow of a small picture as that of a picture with ``size`` rows and columns."""
    cv2 = load_cv2()
    height, width = size
    if flow.shape[:2] == size:
        return flow
    scale = np.array([width / flow.shape[1], height / flow.shape[0]], np.float32)
    return np.asarray(cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR) * scale, np.float32)
