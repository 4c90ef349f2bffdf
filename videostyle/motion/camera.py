"""Motion of the camera between two frames: one affine map, found by RANSAC among the motions of many places."""

from __future__ import annotations

import numpy as np

from videostyle.frames import Float32Array, Float64Array
from videostyle.media.opencv import load_cv2

TOLERANCE = 0.6  # units; how far a place may be from the camera's motion and still move with it
FEWEST = 12  # places that must agree
SMALLEST = 0.2  # share of the trusted places that must agree
FLATNESS = 2.0  # weight of a prior against rotation and scale, in places: a few places cannot fake them
POINTS = 400  # places that are looked at


def camera_motion(places: Float32Array, motion: Float32Array, trust: Float32Array) -> Float64Array | None:
    """The affine map ``[2, 3]`` that takes most places to where they were; None where too few agree on one.

    Args:
        places: ``[N, 2]`` positions (x, y), in units.
        motion: ``[N, 2]`` from each place to where it was, in the same units.
        trust: ``[N]`` 0..1, how well each motion is known.
    """
    cv2 = load_cv2()
    known = np.flatnonzero(trust > 0.4)
    if len(known) < FEWEST:
        return None
    known = known[:: -(-len(known) // POINTS)]
    here, moved = places[known], motion[known]
    found, agreeing = cv2.estimateAffine2D(
        here, here + moved, method=cv2.RANSAC, ransacReprojThreshold=TOLERANCE, maxIters=300, refineIters=0
    )
    if found is None or agreeing.sum() < max(FEWEST, SMALLEST * len(known)):
        return None
    agree = agreeing.ravel() > 0
    return _fitted(here[agree], moved[agree], trust[known][agree])


def _fitted(here: Float32Array, moved: Float32Array, trust: Float32Array) -> Float64Array:
    """An affine motion by ridge regression: ``FLATNESS`` damps its rotation and scale."""
    middle = trust @ here / trust.sum()
    size = 320.0  # units; half of the longer side
    terms = np.ones((len(here), 3))
    terms[:, :2] = (here - middle) / size
    weighted = terms * trust[:, None]
    normal = weighted.T @ terms + np.diag([FLATNESS, FLATNESS, 0.0])
    slope_x, slope_y, shift = np.linalg.solve(normal, weighted.T @ moved)
    linear = np.stack([slope_x, slope_y], axis=1) / size
    return np.concatenate([np.eye(2) + linear, (shift - linear @ middle)[:, None]], axis=1)


def motion_at(camera: Float64Array, places: Float32Array) -> Float32Array:
    """Motion ``[..., 2]`` of the camera at ``places`` ``[..., 2]``."""
    return (places @ (camera[:, :2] - np.eye(2)).T + camera[:, 2]).astype(np.float32)
