"""Pairs of neighbouring frames to train on: made from stills, where flow and occlusion are exact, or taken from clips.

Pictures come as arrays from the caller; nothing here reads files. Every batch is a function of the seed and the step
alone, so a training that is resumed sees the batches that it would have seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videostyle.errors import InputError
from videostyle.inference.canvas_sampling import remapped
from videostyle.motion.flow import Float, grid, inside, sample
from videostyle.network.canvas import CELL, blended, octaves
from videostyle.training.simulated_camera import View, blurred, camera_motion, recorded, smooth_field

UInt8 = NDArray[np.uint8]
SEEDS = 4  # number of different canvases that occur in training


@dataclass(frozen=True)
class Pair:
    """A square window of two neighbouring frames, and what is known about it.

    Attributes:
        previous: float32 ``[S, S, 3]``, RGB 0..1, frame t-1.
        current: the same of frame t.
        flow: float32 ``[S, S, 2]``, pixels, from t to t-1 (``motion.flow``).
        mask: float32 ``[S, S, 1]``, 1 where a pixel of t is visible in t-1.
        previous_canvas: float32 ``[S/4, S/4, CHANNELS]``, the canvas of frame t-1.
        canvas: the same of frame t.
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


def canvases(rng: np.random.Generator, flow: Float) -> tuple[Float, Float]:
    """The canvas of two neighbouring frames, with the errors that the canvas of a render has.

    - A render moves the canvas by a smoothed flow on a coarse mesh, so it slides a little at the edges of moving
      things. Here the flow is smoothed as well.
    - In one pair of six the canvas changes in places, as in a render that fades to a new layer of it.
    - In half of the pairs the canvas is enlarged or reduced by up to 1.4, as under a zoom.

    Args:
        rng: source of randomness.
        flow: float32 ``[S, S, 2]``, pixels, from t to t-1.

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
        return octaves(cells @ turn + origin, scale, remapped, seed)

    origins = rng.uniform(0, 1024, (2, 2)).astype(np.float32)
    before, now = layer(here, origins[0]), layer(here + smooth, origins[0])
    if rng.random() < 1 / 6:
        share = np.clip(smooth_field(rng, size, 4, 0.8)[..., 0] + 0.5, 0, 1)
        more = np.clip(share + 0.04, 0, 1)
        before = blended(before, layer(here, origins[1]), share)
        now = blended(now, layer(here + smooth, origins[1]), more)
    return before, now


def warped_pair(picture: UInt8, layer: UInt8, rng: np.random.Generator, size: int, noise: bool = True) -> Pair:
    """A still seen by a moving camera. In three of ten pairs a cut-out of another picture passes in front of it.

    Args:
        picture: uint8 ``[h, w, 3]`` RGB.
        layer: another picture, for the cut-out.
        rng: source of randomness.
        size: side of the pair, pixels.
        noise: whether the frames get noise, compression and changes of light (``simulated_camera.recorded``).
    """
    view = View(picture, rng, size)
    x, y = grid(size, size)
    flow = camera_motion(rng, size)
    previous, current = view(x, y), view(x + flow[..., 0], y + flow[..., 1])
    mask = inside(flow)
    if rng.random() < 0.3:
        front = View(layer, rng, size)
        shift = rng.normal(0, 5, 2).astype(np.float32)
        blob = smooth_field(rng, size, 5, 1.0)[..., :1] - 0.6
        before = sample(blob, x - shift[0], y - shift[1]) > 0
        now = blob > 0
        covered = sample(before.astype(np.float32), x + flow[..., 0], y + flow[..., 1])[..., 0] > 0
        # At the edge of the cut-out a sample between pixels would mix in the background.
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
    """A still recorded twice: nothing moves, only the noise changes. Arguments as in ``warped_pair``."""
    x, y = grid(size, size)
    frame = View(picture, rng, size)(x, y)
    previous, current = recorded([frame, frame], rng, light=False)
    zero = np.zeros((size, size, 2), np.float32)
    return Pair(previous, current, zero, np.ones((size, size, 1), np.float32), *canvases(rng, zero))


def clip_pair(pair: ClipPair, rng: np.random.Generator, size: int) -> Pair:
    """A random window, ``size`` pixels wide and high, of two neighbouring frames of a clip."""
    height, width = pair.current.shape[:2]
    top, left = rng.integers(0, height - size + 1), rng.integers(0, width - size + 1)
    window = np.s_[top : top + size, left : left + size]
    previous, current = (np.asarray(f[window], np.float32) / 255.0 for f in (pair.previous, pair.current))
    flow = pair.flow[window]
    return Pair(previous, current, flow, pair.mask[window] * inside(flow)[..., None], *canvases(rng, flow))


class PairSampler:
    """Batches of pairs from pictures and clips.

    Args:
        pictures: uint8 ``[h, w, 3]`` RGB. Pictures with a side below 32 pixels are not used.
        clips: neighbouring frames with their flow. Frames with a side below ``size`` are not used.
        size: side of the pairs, pixels, a multiple of 64.
        batch: number of pairs in a batch.
        seed: seed of all randomness.
        noise_share: share of the pairs in which nothing moves, 0..1.
        clip_share: share of the pairs that are taken from clips, if there are any, 0..1.

    Raises:
        InputError: if no picture can be used.
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
            raise InputError(
                "there is nothing to train on", "no picture of at least 32 x 32 pixels", "give larger pictures"
            )
        self._size, self._batch, self._seed = size, batch, seed
        self._noise_share, self._clip_share = noise_share, clip_share if self._clips else 0.0

    def identity(self) -> dict[str, Any]:
        """What the batches depend on, by name; pictures and clips as one hash."""
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
