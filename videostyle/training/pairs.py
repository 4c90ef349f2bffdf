"""Pairs of frames to train on, made from stills (flow and occlusion exact) or taken from clips.

Pictures come as arrays from the caller; nothing here reads files. Every batch is a function of the seed and
the step alone, so that a training that is resumed sees what it would have seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videostyle.errors import InputError
from videostyle.motion.flow import Float, grid, inside, sample
from videostyle.network.canvas import CELL, blended, octaves

UInt8 = NDArray[np.uint8]
SEEDS = 4  # of the canvas that are trained with


@dataclass(frozen=True)
class Pair:
    """Two frames of a scene.

    Attributes:
        previous: float32 ``[S, S, 3]``, RGB 0..1, frame t-1.
        current: the same, frame t.
        flow: float32 ``[S, S, 2]``, from t to t-1 (see ``flow``).
        mask: float32 ``[S, S, 1]``, 1 where a pixel of t is visible in t-1.
        previous_canvas: float32 ``[S/4, S/4, CHANNELS]`` of frame t-1.
        canvas: the same of frame t, carried along as a render carries it (``canvases``).
    """

    previous: Float
    current: Float
    flow: Float
    mask: Float
    previous_canvas: Float
    canvas: Float


@dataclass(frozen=True)
class ClipPair:
    """Two neighbouring frames of a clip, uint8 ``[H, W, 3]``, with flow and mask as in ``Pair``."""

    previous: UInt8
    current: UInt8
    flow: Float
    mask: Float


def blurred(picture: NDArray[np.generic], radius: int) -> Float:
    """Two passes of a box of ``2 * radius + 1`` pixels in each direction: close to a Gaussian."""
    out = np.asarray(picture, np.float32)
    for axis in (0, 1, 0, 1):
        width = [(0, 0)] * out.ndim
        width[axis] = (radius + 1, radius)
        total = np.cumsum(np.pad(out, width, mode="edge"), axis=axis, dtype=np.float64)
        high = np.take(total, range(2 * radius + 1, total.shape[axis]), axis=axis)
        low = np.take(total, range(0, total.shape[axis] - 2 * radius - 1), axis=axis)
        out = ((high - low) / (2 * radius + 1)).astype(np.float32)
    return out


def _smooth_field(rng: np.random.Generator, size: int, knots: int, amount: float) -> Float:
    """A random field ``[size, size, 2]`` that bends between ``knots`` x ``knots`` random values."""
    values = rng.normal(0, amount, (knots, knots, 2)).astype(np.float32)
    x, y = grid(size, size)
    scale = (knots - 1) / (size - 1)
    # Smoothstep between knots: bilinear interpolation alone has creases.
    u, v = x * scale, y * scale
    u, v = (np.floor(w) + (w - np.floor(w)) ** 2 * (3 - 2 * (w - np.floor(w))) for w in (u, v))
    return sample(values, u.astype(np.float32), v.astype(np.float32))


def camera_motion(rng: np.random.Generator, size: int) -> Float:
    """A random flow ``[size, size, 2]``: shift, zoom, rotation, and sometimes a smooth deformation.

    Two in five are shifts by whole pixels: there nothing is lost to interpolation, and what the painting changes
    by is all its own.
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
        flow += _smooth_field(rng, size, 5, rng.uniform(0, 2.5))
    return flow


def canvases(rng: np.random.Generator, flow: Float) -> tuple[Float, Float]:
    """The canvas of two frames, with the errors that a render's has.

    A render carries the canvas along by a smoothed flow on a coarse mesh, so it slides where motions meet. One pair in
    six is renewed in places: a second layer of the canvas shows more in frame t than in t-1. Half of the pairs see
    the canvas enlarged or reduced, as under a zoom.

    Args:
        rng: source of randomness.
        flow: from t to t-1, pixels, ``[S, S, 2]``.

    Returns:
        The canvas of t-1 and that of t, float32 ``[S/4, S/4, CHANNELS]``.
    """
    size = flow.shape[0] // CELL
    smooth = blurred(flow, int(rng.integers(4, 9)))
    smooth = smooth.reshape(size, CELL, size, CELL, 2).mean(axis=(1, 3)) / CELL
    x, y = grid(size, size)
    here = np.stack([x, y], axis=-1)
    seed = int(rng.integers(SEEDS))
    scale = np.float32(2 ** rng.uniform(-0.5, 0.5) if rng.random() < 0.5 else 1.0)
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32) / scale

    def layer(cells: Float, origin: Float) -> Float:
        return octaves(cells @ turn + origin, scale, sample, seed)

    origins = rng.uniform(0, 1024, (2, 2)).astype(np.float32)
    before, now = layer(here, origins[0]), layer(here + smooth, origins[0])
    if rng.random() < 1 / 6:
        share = np.clip(_smooth_field(rng, size, 4, 0.8)[..., 0] + 0.5, 0, 1)
        more = np.clip(share + 0.04, 0, 1)
        before = blended(before, layer(here, origins[1]), share)
        now = blended(now, layer(here + smooth, origins[1]), more)
    return before, now


class _View:
    """A random window into a picture: samples it at window coordinates, at the window's own scale."""

    def __init__(self, picture: NDArray[Any], rng: np.random.Generator, size: int) -> None:
        smallest = (size + 8) / min(picture.shape[:2])
        low = max(smallest, 0.6)
        self._zoom = rng.uniform(low, max(1.2, low))
        if self._zoom < 0.75:
            picture = blurred(picture, 1)
        elif rng.random() < 0.15:  # out of focus: where a network is tempted to fill in a pattern of its own
            picture = blurred(picture, int(rng.integers(1, 6)))
        self._picture = picture
        height, width = (side * self._zoom for side in picture.shape[:2])
        self._x, self._y = rng.uniform(0, max(width - size, 0)), rng.uniform(0, max(height - size, 0))
        self._mirror = rng.random() < 0.5

    def __call__(self, x: Float, y: Float) -> Float:
        """Samples, float32 0..1; beyond the picture it is mirrored."""
        height, width = self._picture.shape[:2]
        u, v = (x + self._x + 0.5) / self._zoom - 0.5, (y + self._y + 0.5) / self._zoom - 0.5
        u, v = (np.abs((w + side - 1) % (2 * side - 2) - (side - 1)) for w, side in ((u, width), (v, height)))
        if self._mirror:
            u = width - 1 - u
        return sample(self._picture, u.astype(np.float32), v.astype(np.float32)) / np.float32(255.0)


def _block_noise(picture: Float, step: float) -> Float:
    """What a coarse encoder leaves: 8x8 cosine transforms rounded to multiples of ``step``."""
    k = np.arange(8)
    basis = np.sqrt(2 / 8) * np.cos(np.pi * (2 * k[None, :] + 1) * k[:, None] / 16)
    basis[0] /= np.sqrt(2)
    h, w = picture.shape[0] // 8, picture.shape[1] // 8
    blocks = picture.reshape(h, 8, w, 8, 3).transpose(0, 2, 4, 1, 3)
    levels = basis @ blocks @ basis.T
    coarse = step * (1 + 0.5 * (k[:, None] + k[None, :]))
    blocks = basis.T @ (np.round(levels / coarse) * coarse) @ basis
    return np.asarray(blocks.transpose(0, 3, 1, 4, 2).reshape(picture.shape), np.float32)


def _in_the_dark(frames: Sequence[Float], rng: np.random.Generator) -> list[Float]:
    """The frames with a fraction of their light and contrast, and the noise of a sensor that amplifies."""
    exposure, black, sigma = (np.float32(rng.uniform(*ends)) for ends in ((0.2, 0.7), (0.0, 0.05), (0.008, 0.02)))
    dim = (frame * exposure + black for frame in frames)
    noisy = (frame + sigma * rng.standard_normal(frame.shape, dtype=np.float32) for frame in dim)
    return [np.clip(frame, 0, 1).astype(np.float32) for frame in noisy]


def recorded(frames: Sequence[Float], rng: np.random.Generator, light: bool = True) -> list[Float]:
    """The frames as a camera might record them: fresh noise in each, sometimes other light and an encoder's blocks.

    Two scenes in five are dim: normalisation lifts their paint to ordinary strength, and their noise with it.
    """
    if rng.random() < 0.25:
        return _in_the_dark(frames, rng)
    out = []
    sigma = rng.choice([0.004, 0.01, 0.018])
    coarse, soft = rng.random() < 0.35, rng.random() < 0.4
    exposure = rng.uniform(0.25, 0.8) if rng.random() < 0.25 else 1.0
    for number, frame in enumerate(frames):
        frame = frame * np.float32(exposure)
        if light and number and rng.random() < 0.25:
            frame = frame * rng.uniform(0.9, 1.1) + rng.uniform(-0.03, 0.03)
        noise = rng.standard_normal(frame.shape, dtype=np.float32) * np.float32(sigma)
        if soft:  # grain of more than a pixel
            noise = 2.0 * blurred(noise, 1)
        # Brighter pixels are noisier (photon noise).
        frame = frame + noise * np.sqrt(0.5 + np.clip(frame, 0, 1))
        if coarse and frame.shape[0] % 8 == 0:
            frame = _block_noise(frame.astype(np.float32), rng.uniform(0.01, 0.04))
        out.append(np.clip(frame, 0, 1).astype(np.float32))
    return out


def warped_pair(picture: UInt8, layer: UInt8, rng: np.random.Generator, size: int, noise: bool = True) -> Pair:
    """A still seen by a moving camera, sometimes with a cut-out of another picture passing in front; all exact.

    Args:
        picture: uint8 ``[h, w, 3]``.
        layer: another picture, for the cut-out.
        rng: source of randomness.
        size: side of the pair.
        noise: whether the frames are ``recorded``.
    """
    view = _View(picture, rng, size)
    x, y = grid(size, size)
    flow = camera_motion(rng, size)
    previous, current = view(x, y), view(x + flow[..., 0], y + flow[..., 1])
    mask = inside(flow)
    if rng.random() < 0.3:
        front = _View(layer, rng, size)
        shift = rng.normal(0, 5, 2).astype(np.float32)
        blob = _smooth_field(rng, size, 5, 1.0)[..., :1] - 0.6
        before = sample(blob, x - shift[0], y - shift[1]) > 0
        now = blob > 0
        covered = sample(before.astype(np.float32), x + flow[..., 0], y + flow[..., 1])[..., 0] > 0
        # At the cut-out's rim a sample between pixels would mix in what is behind.
        whole = sample(before.astype(np.float32), x + shift[0], y + shift[1])[..., 0] > 0.999
        mask = np.where(now[..., 0], whole & inside(np.broadcast_to(shift, flow.shape)), mask & ~covered)
        previous = np.where(before, front(x, y), previous)
        current = np.where(now, front(x + shift[0], y + shift[1]), current)
        flow = np.where(now, shift, flow)
    if noise:
        previous, current = recorded([previous, current], rng)
    flow = flow.astype(np.float32)
    return Pair(previous, current, flow, mask.astype(np.float32)[..., None], *canvases(rng, flow))


def noise_pair(picture: UInt8, rng: np.random.Generator, size: int) -> Pair:
    """A still that is recorded twice: nothing moves, the noise is new."""
    x, y = grid(size, size)
    frame = _View(picture, rng, size)(x, y)
    previous, current = recorded([frame, frame], rng, light=False)
    zero = np.zeros((size, size, 2), np.float32)
    return Pair(previous, current, zero, np.ones((size, size, 1), np.float32), *canvases(rng, zero))


def clip_pair(pair: ClipPair, rng: np.random.Generator, size: int) -> Pair:
    """A random window of two neighbouring frames of a clip."""
    height, width = pair.current.shape[:2]
    top, left = rng.integers(0, height - size + 1), rng.integers(0, width - size + 1)
    window = np.s_[top : top + size, left : left + size]
    previous, current = (np.asarray(f[window], np.float32) / 255.0 for f in (pair.previous, pair.current))
    flow = pair.flow[window]
    return Pair(previous, current, flow, pair.mask[window] * inside(flow)[..., None], *canvases(rng, flow))


class PairSampler:
    """Batches of pairs from pictures and clips.

    Args:
        pictures: uint8 ``[h, w, 3]`` RGB; pictures with a side below 32 are left out.
        clips: pairs of frames with their flow, each at least ``size`` pixels on both sides.
        size: side of the pairs, a multiple of 64.
        batch: pairs in a batch.
        seed: of all randomness.
        noise_share: share of pairs in which nothing moves.
        clip_share: share of pairs taken from clips, if there are any.

    Raises:
        InputError: if there is no picture that can be used.
    """

    def __init__(
        self,
        pictures: Sequence[UInt8],
        clips: Sequence[ClipPair] = (),
        *,
        size: int = 256,
        batch: int = 2,
        seed: int = 0,
        noise_share: float = 0.25,
        clip_share: float = 0.35,
    ) -> None:
        self._pictures = [p for p in pictures if p.ndim == 3 and p.shape[2] == 3 and min(p.shape[:2]) >= 32]
        self._clips = [c for c in clips if min(c.current.shape[:2]) >= size]
        if not self._pictures:
            raise InputError("there is nothing to train on", "no picture of at least 32 x 32 pixels", "give --content")
        self._size, self._batch, self._seed = size, batch, seed
        self._noise_share, self._clip_share = noise_share, clip_share if self._clips else 0.0

    def identity(self) -> dict[str, Any]:
        """What the batches depend on; of the pictures and clips a hash."""
        digest = hashlib.sha256()
        for clip in self._clips:
            for array in (clip.previous, clip.current, clip.flow, clip.mask):
                digest.update(np.ascontiguousarray(array).data)
        for picture in self._pictures:
            digest.update(f"{picture.shape}".encode())
            digest.update(np.ascontiguousarray(picture).data)
        return {
            "content": digest.hexdigest(),
            "window": self._size,
            "batch": self._batch,
            "seed of pairs": self._seed,
            "shares": [self._noise_share, self._clip_share],
        }

    @property
    def window(self) -> int:
        """Side of the pairs, pixels."""
        return self._size

    def _pair(self, rng: np.random.Generator) -> Pair:
        kind = rng.random()
        if kind < self._clip_share:
            return clip_pair(self._clips[rng.integers(len(self._clips))], rng, self._size)
        picture, layer = (self._pictures[i] for i in rng.integers(len(self._pictures), size=2))
        if kind < self._clip_share + self._noise_share:
            return noise_pair(picture, rng, self._size)
        return warped_pair(picture, layer, rng, self._size)

    def batch(self, step: int) -> dict[str, Float]:
        """The batch of one step: the fields of ``Pair`` by name, each ``[N, ...]``."""
        rng = np.random.default_rng([self._seed, step])
        pairs = [self._pair(rng) for _ in range(self._batch)]
        return {field.name: np.stack([getattr(pair, field.name) for pair in pairs]) for field in fields(Pair)}
