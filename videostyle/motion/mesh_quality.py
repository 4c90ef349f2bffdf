"""Measures how well meshes carry the canvas: its slip on the scene, the share that is exchanged, its distortion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import CanvasMesh, Float32Array
from videostyle.motion.mesh import distortion, jacobians

TWICE = 1 / 3  # distortion of a canvas that is stretched to twice its width


def interpolated(values: Float32Array, x: Float32Array, y: Float32Array, size: tuple[int, int]) -> Float32Array:
    """Values at the vertices of a mesh ``[rows, columns, K]`` at pixels ``x``, ``y`` (of one shape) of a frame.

    Args:
        values: at the vertices.
        x: columns of pixels, 0 the first; may lie between pixels or outside.
        y: rows.
        size: height and width of the frame.
    """
    rows, columns = values.shape[:2]
    u, v = (x + 0.5) / size[1] * (columns - 1), (y + 0.5) / size[0] * (rows - 1)
    left, top = (np.clip(np.floor(p), 0, n - 2).astype(int) for p, n in ((u, columns), (v, rows)))
    a, b = (u - left)[..., None], (v - top)[..., None]
    upper = values[top, left] * (1 - a) + values[top, left + 1] * a
    lower = values[top + 1, left] * (1 - a) + values[top + 1, left + 1] * a
    return np.asarray(upper * (1 - b) + lower * b, np.float32)


def slip(now: CanvasMesh, before: CanvasMesh, flow: Float32Array, step: int = 4) -> tuple[Float32Array, Float32Array]:
    """How far the canvas moved against the scene from one frame to the next, and how much of it was exchanged.

    Args:
        now: mesh of frame t.
        before: mesh of frame t-1.
        flow: true flow from t to t-1, ``[H, W, 2]``; may be NaN where it is unknown.
        step: pixels between the places that are looked at.

    Returns:
        Pixels of the frame that the canvas slipped, of both layers as they are seen; and by how much the share of
        the second layer changed, 0..1; both ``[ceil(H / step), ceil(W / step)]``.
    """
    size = flow.shape[:2]
    y, x = np.mgrid[0 : size[0] : step, 0 : size[1] : step].astype(np.float32)
    sampled = flow[::step, ::step]
    there_x, there_y = x + np.nan_to_num(sampled[..., 0]), y + np.nan_to_num(sampled[..., 1])
    share, share_before = (
        interpolated(mesh.share[..., None], *at, size)[..., 0]
        for mesh, at in ((now, (x, y)), (before, (there_x, there_y)))
    )
    slipped = np.zeros(x.shape, np.float32)
    for layer, seen in ((0, 1 - share), (1, share)):
        moved = interpolated(now.places[layer], x, y, size) - interpolated(before.places[layer], there_x, there_y, size)
        a, _ = jacobians(now.places[layer], pitch(now, size))
        slipped += seen * np.hypot(moved[..., 0], moved[..., 1]) * size[0] / max(float(np.median(np.abs(a))), 1e-6)
    return slipped, np.abs(share - share_before)


def seen_distortion(mesh: CanvasMesh, size: tuple[int, int]) -> NDArray[np.float32]:
    """Distortion of the canvas as it is seen, of each cell of the mesh (``mesh.distortion``)."""
    both = distortion(mesh.places, pitch(mesh, size))
    share = (mesh.share[1:, 1:] + mesh.share[:-1, 1:] + mesh.share[1:, :-1] + mesh.share[:-1, :-1]) / 4
    return np.asarray(both[0] * (1 - share) + both[1] * share, np.float32)


def pitch(mesh: CanvasMesh, size: tuple[int, int]) -> tuple[float, float]:
    """Distance of a mesh's columns and of its rows in frame heights, on frames of ``size`` (height, width)."""
    rows, columns = mesh.share.shape
    return size[1] / size[0] / (columns - 1), 1 / (rows - 1)
