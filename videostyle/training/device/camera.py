"""What moving cameras make of still pictures: ``training.simulated_camera``, for a whole batch on the device.

Chances and sizes are the same as there. All shapes are fixed: what happens to some pairs only is computed for all of
them and chosen with ``where``. ``tests/training/test_device_pairs.py`` compares both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from videostyle.training.device.draws import Draws
from videostyle.training.warping import sampled

Tensor = Any

LARGEST_BLUR = 5  # radius of the box, pixels, of a picture that is out of focus


def of_each(values: Tensor, like: Tensor) -> Tensor:
    """One value for each pair, ``[N]``, shaped to be combined with ``like``, ``[N, ...]``."""
    return ops.reshape(values, (-1, *(1 for _ in like.shape[1:])))


def grid(size: int) -> tuple[Tensor, Tensor]:
    """Column and row of every pixel of a square, float32 ``[1, size, size]`` each."""
    row, column = np.mgrid[0:size, 0:size].astype(np.float32)
    return ops.convert_to_tensor(column[None]), ops.convert_to_tensor(row[None])


def blurred(x: Tensor, radius: Tensor) -> Tensor:
    """Pictures blurred twice by a box of ``2 * radius + 1`` pixels; at the border, the edge is repeated.

    Args:
        x: float32 ``[N, H, W, C]``.
        radius: whole numbers ``[N]``, as float32; 0 leaves a picture as it is.
    """

    def weights(length: int) -> Tensor:
        """Of all pixels of a line in each blurred pixel, ``[N, length, length]``."""
        place = np.arange(length, dtype=np.float32)
        distance = ops.convert_to_tensor(np.abs(place[:, None] - place[None, :])[None])
        r = ops.reshape(radius, (-1, 1, 1))
        box = ops.cast(distance <= r, "float32")
        for end in (0, length - 1):  # the edge pixel stands for those beyond it
            edge = ops.convert_to_tensor((place == end).astype(np.float32)[None, None])
            box = box + ops.relu(r - distance[:, :, end : end + 1]) * edge
        box = box / (2.0 * r + 1.0)
        return ops.matmul(box, box)

    _, height, width, channels = x.shape
    x = ops.matmul(weights(height), ops.reshape(x, (-1, height, width * channels)))
    return ops.einsum("nij,nhjc->nhic", weights(width), ops.reshape(x, (-1, height, width, channels)))


def smooth_field(draws: Draws, size: int, knots: int, deviation: Tensor) -> Tensor:
    """A smooth random field ``[N, size, size, 2]``: ``knots`` random values along each side, interpolated.

    Args:
        draws: source of randomness.
        size: side of the field, pixels.
        knots: as above.
        deviation: of the random values: a number, or ``[N]``.
    """
    values = draws.normal((knots, knots, 2))
    values = values * of_each(ops.broadcast_to(deviation, (draws.count,)), values)
    at = np.arange(size) * (knots - 1) / (size - 1)
    first = np.minimum(at.astype(int), knots - 2)
    share = (at - first) ** 2 * (3 - 2 * (at - first))  # smoothstep: bilinear interpolation alone has creases
    weights = np.zeros((size, knots), np.float32)
    weights[np.arange(size), first], weights[np.arange(size), first + 1] = 1 - share, share
    return ops.einsum("yk,nklc,xl->nyxc", weights, values, weights)


def camera_motion(draws: Draws, size: int) -> Tensor:
    """Random flows ``[N, size, size, 2]``, pixels: shift, zoom, rotation, and sometimes a smooth deformation."""
    x, y = grid(size)
    x, y = x - size / 2, y - size / 2
    shift = draws.normal((2,)) * draws.one_of((1.0, 3.5, 9.0))[:, None]
    angle, zoom = (0.012 * draws.normal((1, 1)) for _ in range(2))
    flow = ops.stack([x * zoom - y * angle, x * angle + y * zoom], axis=-1) + shift[:, None, None]
    bend = ops.where(draws.chance(0.5), draws.uniform(0.0, 2.5), 0.0)
    flow = flow + smooth_field(draws, size, 5, bend)
    # Shifts by whole pixels need no interpolation, so any change along the motion is the painting's own.
    plain = ops.broadcast_to(draws.whole(-8, 9.0, (2,))[:, None, None], flow.shape)
    return ops.where(of_each(draws.chance(0.4), flow), plain, flow)


class Views:
    """Random windows into pictures, at random scales, some mirrored or out of focus.

    Args:
        pictures: uint8 ``[P, H, W, 3]`` RGB; smaller ones are filled up to this size with their edge pixels.
        sizes: float32 ``[P, 2]``, height and width of each picture without what it was filled up with.
        draws: source of randomness.
        size: side of a window, pixels.
    """

    def __init__(self, pictures: Tensor, sizes: Tensor, draws: Draws, size: int) -> None:
        which = ops.cast(draws.whole(0, float(pictures.shape[0])), "int32")
        own = ops.take(sizes, which, axis=0)
        low = ops.maximum((size + 8.0) / ops.min(own, axis=-1), 0.6)
        zoom = draws.uniform(low, ops.maximum(1.2, low))
        out_of_focus = ops.where(draws.chance(0.15), draws.whole(1, LARGEST_BLUR + 1.0), 0.0)
        radius = ops.where(zoom < 0.75, 1.0, out_of_focus)
        self._pictures = blurred(ops.cast(ops.take(pictures, which, axis=0), "float32"), radius)
        self._zoom, self._own = zoom[:, None, None], own[:, :, None, None]
        self._corner = (draws.uniform(0.0, 1.0, (2,)) * ops.relu(own * zoom[:, None] - size))[:, :, None, None]
        self._mirror = draws.chance(0.5)[:, None, None]

    def __call__(self, columns: Tensor, rows: Tensor) -> Tensor:
        """Samples at window coordinates ``[N, h, w]``, float32 0..1; beyond its edges a picture is mirrored."""

        def place(window: Tensor, axis: int) -> Tensor:
            last = self._own[:, axis] - 1.0
            at = (window + self._corner[:, axis] + 0.5) / self._zoom - 0.5
            return ops.abs(ops.mod(at + last, 2.0 * last) - last)

        u, v = place(columns, 1), place(rows, 0)
        u = ops.where(self._mirror, self._own[:, 1] - 1.0 - u, u)
        return sampled(self._pictures, u, v) / 255.0


def recorded(previous: Tensor, current: Tensor, draws: Draws, light: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs of frames as a camera might record them: with fresh noise, and sometimes compression or other light.

    Args:
        previous: ``[N, S, S, 3]`` RGB 0..1, S a multiple of 8.
        current: the same.
        draws: source of randomness.
        light: bool ``[N]``, whether the light may change from one frame to the next.
    """
    dim = draws.chance(0.25)
    dim_exposure, black = draws.uniform(0.2, 0.7), draws.uniform(0.0, 0.05)
    sigma = ops.where(dim, draws.uniform(0.008, 0.02), draws.one_of((0.004, 0.01, 0.018)))
    coarse, soft = ops.logical_and(draws.chance(0.35), ~dim), ops.logical_and(draws.chance(0.4), ~dim)
    exposure = ops.where(draws.chance(0.25), draws.uniform(0.25, 0.8), 1.0)
    gain, offset = ops.where(dim, dim_exposure, exposure), ops.where(dim, black, 0.0)
    change = ops.logical_and(ops.logical_and(draws.chance(0.25), light), ~dim)
    other_gain, other_offset = draws.uniform(0.9, 1.1), draws.uniform(-0.03, 0.03)

    def each(frame: Tensor, changed: bool) -> Tensor:
        frame = frame * of_each(gain, frame) + of_each(offset, frame)
        if changed:
            frame = frame * of_each(ops.where(change, other_gain, 1.0), frame)
            frame = frame + of_each(ops.where(change, other_offset, 0.0), frame)
        noise = draws.normal(tuple(frame.shape[1:])) * of_each(sigma, frame)
        # Grain larger than a pixel.
        noise = blurred(noise, ops.cast(soft, "float32")) * of_each(ops.where(soft, 2.0, 1.0), noise)
        # Brighter pixels are noisier (photon noise), but for an amplified sensor.
        brighter = ops.sqrt(0.5 + ops.clip(frame, 0.0, 1.0))
        frame = frame + noise * ops.where(of_each(dim, frame), 1.0, brighter)
        frame = ops.where(of_each(coarse, frame), _compressed(frame, draws.uniform(0.01, 0.04)), frame)
        return ops.clip(frame, 0.0, 1.0)

    return each(previous, False), each(current, True)


def _compressed(pictures: Tensor, step: Tensor) -> Tensor:
    """Pictures after coarse compression: cosine transforms of 8x8 blocks, rounded to multiples of about ``step``."""
    frequency, place = np.mgrid[0:8, 0:8]
    basis = np.cos(np.pi * (place + 0.5) * frequency / 8) / 2
    basis[0] /= np.sqrt(2)
    basis = basis.astype(np.float32)
    coarse = (1 + 0.5 * (np.arange(8)[:, None] + np.arange(8)[None, :])).astype(np.float32).reshape(1, 64, 1)
    _, h, w, c = pictures.shape
    blocks = ops.reshape(pictures, (-1, h // 8, 8, w // 8, 8, c))
    levels = ops.reshape(ops.einsum("ai,nyixjc,bj->nabyxc", basis, blocks, basis), (-1, 64, h * w * c // 64))
    steps = of_each(step, levels) * coarse
    levels = ops.reshape(ops.round(levels / steps) * steps, (-1, 8, 8, h // 8, w // 8, c))
    return ops.reshape(ops.einsum("ai,nabyxc,bj->nyixjc", basis, levels, basis), (-1, h, w, c))
