"""Filters that several processors share. Pure functions on single frames, float32 0..1 unless they say otherwise."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from videostyle.frames import AnyArray, Float32Array
from videostyle.media.opencv import load_cv2

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def unit(frame: AnyArray) -> Float32Array:
    """A frame of 8 or 16 bits, 0..255 or 0..65535, as float32 0..1."""
    cv2 = load_cv2()
    # OpenCV would multiply the first of three channels only, so it gets one.
    rows = np.ascontiguousarray(frame).reshape(len(frame), -1)
    return np.asarray(cv2.multiply(rows, 1 / np.iinfo(frame.dtype).max, dtype=cv2.CV_32F).reshape(frame.shape))


def stored(frame: Float32Array, dtype: DTypeLike) -> AnyArray:
    """A frame of 0..1 in a dtype of 8 or 16 bits, rounded; what lies outside 0..1 is clipped."""
    cv2 = load_cv2()
    depth = cv2.CV_8U if np.dtype(dtype) == np.uint8 else cv2.CV_16U
    rows = np.ascontiguousarray(frame).reshape(len(frame), -1)
    return np.asarray(cv2.multiply(rows, float(np.iinfo(dtype).max), dtype=depth).reshape(frame.shape))


def with_light(frame: Float32Array, change: Float32Array) -> Float32Array:
    """A frame ``[H, W, 3]`` with the same change ``[H, W]`` of all three channels: of lightness, not of colour."""
    cv2 = load_cv2()
    return np.asarray(cv2.add(frame, cv2.merge([change, change, change])), np.float32)


def between(one: Float32Array, other: Float32Array, share: Float32Array) -> Float32Array:
    """What lies between two frames ``[H, W, 3]``: ``one`` where ``share`` ``[H, W]`` is 0, ``other`` where it is 1."""
    cv2 = load_cv2()
    return np.asarray(cv2.add(one, cv2.multiply(cv2.merge([share, share, share]), cv2.subtract(other, one))))


def luminance(frame: AnyArray) -> Float32Array:
    """Luminance ``[H, W]`` of a frame ``[H, W, 3]`` RGB of 8 or 16 bits, or float32."""
    cv2 = load_cv2()
    picture = frame if frame.dtype == np.float32 else unit(frame)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)


def blurred(picture: Float32Array, sigma: float) -> Float32Array:
    """A picture ``[H, W]`` or ``[H, W, 3]`` blurred by a Gaussian of ``sigma`` pixels."""
    cv2 = load_cv2()
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float32)


def smoothed(picture: Float32Array, radius: int, contrast: float) -> Float32Array:
    """A picture without its small contrasts; edges stay. Its cost does not depend on the radius.

    (OpenCV has the guided filter in its contributed modules alone, which the packages without a window leave out. Its
    bilateral filter takes four times as long at a radius of 3, and its edge-preserving one knows 8 bits only.)

    Args:
        picture: ``[H, W]`` or ``[H, W, 3]``, each channel for itself.
        radius: of details that are removed, pixels.
        contrast: standard deviation, 0..1, of details of which half is removed; less is removed of stronger ones.

    *Source:* He, Sun and Tang 2010, Guided Image Filtering, with the picture as its own guide.
    """
    cv2 = load_cv2()
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(values: Float32Array) -> Float32Array:
        return np.asarray(cv2.boxFilter(values, -1, size, borderType=cv2.BORDER_REFLECT), np.float32)

    centre = mean(picture)
    variance = np.asarray(np.maximum(mean(picture * picture) - centre * centre, 0), np.float32)
    slope = np.asarray(variance / (variance + np.float32(max(contrast, 1e-6) ** 2)), np.float32)
    offset = np.asarray(centre - slope * centre, np.float32)
    return mean(slope) * picture + mean(offset)
