"""Measures flicker from frames, uint8 ``[T, H, W, 3]`` RGB. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import UInt8Array
from videostyle.motion.flow import Float, warp

STILL = 3.0  # levels of 255; a pixel is still if its deviation over time in the original is below

FlowFunction = Callable[[UInt8Array, UInt8Array], tuple[Float, Float]]


def pair_error(current: UInt8Array, before: UInt8Array, flow: Float, mask: Float) -> float:
    """Mean squared change along the motion, in squared units of 0..1, over visible pixels and channels.

    ``sum(M (O_t - W(O_t-1))^2) / (3 sum(M))``. Known answers: 0 for a picture that moves with its flow; s^2 for
    frames that differ by s everywhere; 2 s^2 for fresh noise of deviation s in both of two still frames.

    Args:
        current: painted frame t, uint8 ``[H, W, 3]``.
        before: painted frame t-1.
        flow: from t to t-1, measured on the unpainted frames.
        mask: ``[H, W, 1]``, 1 where a pixel is visible in both.

    *Source:* Lai et al. 2018 (warping error), per pixel and channel.
    """
    change = current.astype(np.float32) / 255.0 - warp(before, flow) / np.float32(255.0)
    return float((mask * change**2).sum() / (3.0 * mask.sum() + 1e-6))


def warping_error(painted: UInt8Array, flows: Sequence[tuple[Float, Float]]) -> float:
    """Mean of ``pair_error`` over all pairs of neighbouring frames.

    Args:
        painted: the frames.
        flows: flow and mask from each frame but the first to the frame before it (``clip_flows``).
    """
    errors = [pair_error(painted[i + 1], painted[i], *flows[i]) for i in range(len(painted) - 1)]
    return float(np.mean(errors)) if errors else 0.0


def clip_flows(frames: UInt8Array, flow: FlowFunction) -> list[tuple[Float, Float]]:
    """Flow and mask for each pair of neighbouring frames, by ``flow(current, before)``."""
    return [flow(current, before) for before, current in pairwise(frames)]


def sintel_error(painted: Sequence[UInt8Array] | UInt8Array, flows: Sequence[tuple[Float, Float]]) -> float:
    """Root of the mean over pairs of ``mean over ALL pixels, channels of M (O_t - W(O_t-1))^2``, for true flow.

    *Source:* the stability error used with MPI Sintel; it divides by all pixels, not by the visible ones.
    """
    squares = []
    for i, (flow, mask) in enumerate(flows):
        change = painted[i + 1].astype(np.float32) / 255.0 - warp(painted[i], flow) / np.float32(255.0)
        squares.append(float((mask * change**2).mean()))
    return float(np.sqrt(np.mean(squares)))


def static_flicker(painted: UInt8Array, original: UInt8Array) -> float:
    """Mean standard deviation over time (levels of 255) of pixels that hardly change (``STILL``) in the original.

    Args:
        painted: painted frames.
        original: the same, unpainted.

    Known answer: s for fresh noise of deviation s on a constant clip; 0 for a constant clip.
    """
    steady = original.astype(np.float32).std(axis=0).max(axis=2) < STILL
    if not steady.any():
        return float("nan")
    return float(painted.astype(np.float32).std(axis=0)[steady].mean())


def color_drift(painted: NDArray[Any], original: NDArray[Any], edge: int) -> float:
    """Change of the mean colour from the first to the last ``edge`` frames beyond the original's, levels of 255.

    The largest of the three channels. Known answer: d for a clip that grows lighter by d levels from one end
    to the other while the original does not change.
    """

    def change(frames: NDArray[Any]) -> Float:
        first, last = (part.astype(np.float64).mean(axis=(0, 1, 2)) for part in (frames[:edge], frames[-edge:]))
        return np.asarray(last - first, np.float32)

    return float(np.abs(change(painted) - change(original)).max())


def noise_gain(
    paint: Callable[[UInt8Array], UInt8Array], still: UInt8Array, sigma: float = 4.0, count: int = 8
) -> float:
    """The share of a camera's noise that is painted: deviation over time of the painted frames over the input's.

    Args:
        paint: maps frames to painted frames.
        still: uint8 ``[H, W, 3]``.
        sigma: deviation of the noise, levels of 255.
        count: frames.
    """
    rng = np.random.default_rng(0)
    noisy = still + rng.normal(0, sigma, (count, *still.shape))
    frames = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return float(paint(frames).astype(np.float32).std(axis=0).mean() / frames.astype(np.float32).std(axis=0).mean())
