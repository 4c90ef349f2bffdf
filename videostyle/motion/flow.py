"""Optical flow as arrays: files, warping, occlusion. NumPy only.

Convention everywhere in this project: ``flow`` is float32 ``[H, W, 2]`` of (dx, dy) in pixels and maps a pixel
p of frame t to p + flow(p) in frame t-1, so that ``warp(frame_before, flow)`` is frame t-1 as seen at time t.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videostyle.errors import InputError

Float = NDArray[np.float32]
MAGIC = 202021.25  # first float of a .flo file
UNKNOWN = 1e9  # a component above this marks a pixel without flow
LARGEST = 16384  # pixels of a side; a damaged header must not allocate memory


def read_flo(path: str | Path) -> Float:
    """Reads a Middlebury ``.flo`` file, ``[H, W, 2]``; pixels without flow are NaN.

    Raises:
        InputError: if it is not one, or cut off.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot read the flow file '{path}'",
            error.strerror or str(error),
            hint="check the path, and whether this user may read it",
        ) from error
    if len(data) < 12 or struct.unpack("<f", data[:4])[0] != np.float32(MAGIC):
        raise InputError(f"'{path}' is not a .flo file", hint="give files of the Middlebury format")
    width, height = struct.unpack("<ii", data[4:12])
    if not (0 < width <= LARGEST and 0 < height <= LARGEST) or len(data) < 12 + 8 * width * height:
        raise InputError(
            f"the flow file '{path}' is cut off or damaged", f"it says {width}x{height}", hint="copy or make it again"
        )
    flow = np.frombuffer(data, "<f4", 2 * width * height, 12).reshape(height, width, 2).astype(np.float32)
    flow[np.abs(flow).max(axis=2) > UNKNOWN] = np.nan
    return flow


def write_flo(path: str | Path, flow: Float) -> None:
    """Writes ``[H, W, 2]`` as a ``.flo`` file; NaN becomes the mark for unknown."""
    height, width = flow.shape[:2]
    values = np.where(np.isfinite(flow), flow, np.float32(1e10)).astype("<f4")
    Path(path).write_bytes(struct.pack("<fii", MAGIC, width, height) + values.tobytes())


def sample(picture: NDArray[np.generic], x: Float, y: Float) -> Float:
    """Bilinear samples of ``[H, W, C]`` at columns ``x`` and rows ``y`` (of one shape); outside, the edge."""
    height, width = picture.shape[:2]
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left, top = np.minimum(x.astype(np.int32), max(width - 2, 0)), np.minimum(y.astype(np.int32), max(height - 2, 0))
    right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    a, b = (x - left)[..., None].astype(np.float32), (y - top)[..., None].astype(np.float32)
    flat = picture.reshape(height * width, -1)
    upper = flat[top * width + left] * (1 - a) + flat[top * width + right] * a
    lower = flat[below * width + left] * (1 - a) + flat[below * width + right] * a
    return np.asarray(upper * (1 - b) + lower * b, np.float32)


def grid(height: int, width: int) -> tuple[Float, Float]:
    """Column and row of every pixel, ``[H, W]`` each."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return x, y


def warp(before: NDArray[np.generic], flow: Float) -> Float:
    """Frame t-1 as seen at time t: ``[H, W, C]`` sampled at each pixel's place plus its flow."""
    x, y = grid(*flow.shape[:2])
    return sample(before, x + flow[..., 0], y + flow[..., 1])


def inside(flow: Float) -> NDArray[np.bool_]:
    """Where flow stays in the picture, ``[H, W]``."""
    height, width = flow.shape[:2]
    x, y = grid(height, width)
    x, y = x + flow[..., 0], y + flow[..., 1]
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def visible(flow: Float, back: Float) -> Float:
    """Mask ``[H, W, 1]``, 1 where a pixel of frame t is seen in frame t-1 as well and its flow can be trusted.

    Args:
        flow: from t to t-1.
        back: from t-1 to t.

    *Source:* Ruder et al. 2016, eq. 5 (forward-backward check, ``|w~ + w^|^2 > 0.01 (|w~|^2 + |w^|^2) + 0.5``)
    and eq. 6 (motion boundaries, ``|grad u|^2 + |grad v|^2 > 0.01 |w|^2 + 0.002``).
    """
    there = warp(back, flow)
    length = (flow**2).sum(axis=2)
    occluded = ((flow + there) ** 2).sum(axis=2) > 0.01 * (length + (there**2).sum(axis=2)) + 0.5
    slope = sum(np.gradient(flow[..., c], axis=axis) ** 2 for c in (0, 1) for axis in (0, 1))
    boundary = slope > 0.01 * length + 0.002
    return (inside(flow) & ~occluded & ~boundary).astype(np.float32)[..., None]


def endpoint_error(flow: Float, truth: Float) -> float:
    """Mean distance in pixels between two flows, over the pixels whose true flow is known."""
    distance = np.sqrt(((flow - truth) ** 2).sum(axis=2))
    return float(np.nanmean(distance))
