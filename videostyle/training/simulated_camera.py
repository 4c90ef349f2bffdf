"""What a moving camera makes of a still picture: motion with known flow, a window into the picture, noise, compression.

Everything is drawn from the random generator that the caller gives, and depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videostyle.media.opencv import load_cv2
from videostyle.motion.flow import Float, grid, sample


def blurred(picture: NDArray[np.generic], radius: int) -> Float:
    """A picture ``[H, W, C]`` blurred twice by a box of ``2 * radius + 1`` pixels, which is close to a Gaussian."""
    cv2 = load_cv2()
    out, size = np.asarray(picture, np.float32), (2 * radius + 1, 2 * radius + 1)
    for _ in range(2):
        out = cv2.blur(out, size, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.float32)


def smooth_field(rng: np.random.Generator, size: int, knots: int, deviation: float) -> Float:
    """A smooth random field ``[size, size, 2]``.

    Args:
        rng: source of randomness.
        size: side of the field, pixels.
        knots: number of random values along each side; the field is interpolated between them.
        deviation: standard deviation of these values.
    """
    values = rng.normal(0, deviation, (knots, knots, 2)).astype(np.float32)
    x, y = grid(size, size)
    scale = (knots - 1) / (size - 1)
    # Smoothstep between knots: bilinear interpolation alone has creases.
    u, v = x * scale, y * scale
    u, v = (np.floor(w) + (w - np.floor(w)) ** 2 * (3 - 2 * (w - np.floor(w))) for w in (u, v))
    return sample(values, u.astype(np.float32), v.astype(np.float32))


def camera_motion(rng: np.random.Generator, size: int) -> Float:
    """A random flow ``[size, size, 2]``, pixels: shift, zoom, rotation, and sometimes a smooth deformation.

    Two in five are shifts by whole pixels. These need no interpolation, so any change along the motion is the
    painting's own.
    """
    x, y = grid(size, size)
    flow = np.zeros((size, size, 2), np.float32)
    if rng.random() < 0.4:
        return flow + rng.integers(-8, 9, 2).astype(np.float32)
    flow += rng.normal(0, rng.choice([1.0, 3.5, 9.0]), 2).astype(np.float32)
    angle, zoom = rng.normal(0, 0.012, 2)
    flow[..., 0] += (x - size / 2) * zoom - (y - size / 2) * angle
    flow[..., 1] += (x - size / 2) * angle + (y - size / 2) * zoom
    if rng.random() < 0.5:
        flow += smooth_field(rng, size, 5, rng.uniform(0, 2.5))
    return flow


class View:
    """A random window into a picture, at a random scale, sometimes mirrored or out of focus.

    Args:
        picture: uint8 ``[H, W, 3]`` RGB.
        rng: source of randomness.
        size: side of the window, pixels.
    """

    def __init__(self, picture: NDArray[Any], rng: np.random.Generator, size: int) -> None:
        smallest = (size + 8) / min(picture.shape[:2])
        low = max(smallest, 0.6)
        self._zoom = rng.uniform(low, max(1.2, low))
        if self._zoom < 0.75:
            picture = blurred(picture, 1)
        elif rng.random() < 0.15:  # out of focus: a network tends to invent a pattern there
            picture = blurred(picture, int(rng.integers(1, 6)))
        self._picture = picture
        height, width = (side * self._zoom for side in picture.shape[:2])
        self._x, self._y = rng.uniform(0, max(width - size, 0)), rng.uniform(0, max(height - size, 0))
        self._mirror = rng.random() < 0.5

    def __call__(self, x: Float, y: Float) -> Float:
        """Samples at window coordinates ``x``, ``y``, float32 0..1; beyond its edges the picture is mirrored."""
        height, width = self._picture.shape[:2]
        u, v = (x + self._x + 0.5) / self._zoom - 0.5, (y + self._y + 0.5) / self._zoom - 0.5
        u, v = (np.abs((w + side - 1) % (2 * side - 2) - (side - 1)) for w, side in ((u, width), (v, height)))
        if self._mirror:
            u = width - 1 - u
        return sample(self._picture, u.astype(np.float32), v.astype(np.float32)) / np.float32(255.0)


def recorded(frames: Sequence[Float], rng: np.random.Generator, light: bool = True) -> list[Float]:
    """Frames as a camera might record them: with fresh noise in each, and sometimes compression or other light.

    Two scenes in five are dim. Normalisation lifts dim scenes to ordinary contrast, and their noise with it, so
    the network must learn not to paint that noise.

    Args:
        frames: float32 ``[S, S, 3]`` RGB 0..1, in order.
        rng: source of randomness.
        light: whether the light may change from one frame to the next.
    """
    if rng.random() < 0.25:
        return _dim(frames, rng)
    out = []
    sigma = rng.choice([0.004, 0.01, 0.018])
    coarse, soft = rng.random() < 0.35, rng.random() < 0.4
    exposure = rng.uniform(0.25, 0.8) if rng.random() < 0.25 else 1.0
    for number, frame in enumerate(frames):
        frame = frame * np.float32(exposure)
        if light and number and rng.random() < 0.25:
            frame = frame * rng.uniform(0.9, 1.1) + rng.uniform(-0.03, 0.03)
        noise = rng.standard_normal(frame.shape, dtype=np.float32) * np.float32(sigma)
        if soft:  # grain larger than a pixel
            noise = 2.0 * blurred(noise, 1)
        # Brighter pixels are noisier (photon noise).
        frame = frame + noise * np.sqrt(0.5 + np.clip(frame, 0, 1))
        if coarse and frame.shape[0] % 8 == 0:
            frame = _compressed(frame.astype(np.float32), rng.uniform(0.01, 0.04))
        out.append(np.clip(frame, 0, 1).astype(np.float32))
    return out


def _dim(frames: Sequence[Float], rng: np.random.Generator) -> list[Float]:
    """Frames at a fraction of their light and contrast, with the noise of an amplified sensor."""
    exposure, black, sigma = (np.float32(rng.uniform(*ends)) for ends in ((0.2, 0.7), (0.0, 0.05), (0.008, 0.02)))
    dim = (frame * exposure + black for frame in frames)
    noisy = (frame + sigma * rng.standard_normal(frame.shape, dtype=np.float32) for frame in dim)
    return [np.clip(frame, 0, 1).astype(np.float32) for frame in noisy]


def _compressed(picture: Float, step: float) -> Float:
    """A picture after coarse compression: cosine transforms of 8x8 blocks, rounded to multiples of about ``step``."""
    cv2 = load_cv2()
    basis = cv2.dct(np.eye(8), flags=cv2.DCT_ROWS).T  # one product transforms all blocks; cv2.dct takes one at a time
    h, w = picture.shape[0] // 8, picture.shape[1] // 8
    blocks = picture.reshape(h, 8, w, 8, 3).transpose(0, 2, 4, 1, 3)
    levels = basis @ blocks @ basis.T
    frequency = np.arange(8)
    coarse = step * (1 + 0.5 * (frequency[:, None] + frequency[None, :]))
    blocks = basis.T @ (np.round(levels / coarse) * coarse) @ basis
    return np.asarray(blocks.transpose(0, 3, 1, 4, 2).reshape(picture.shape), np.float32)
