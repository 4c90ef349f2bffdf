"""The canvas of training pairs: ``training.pairs.canvases``, for a whole batch on the device.

``tests/training/test_device_pairs.py`` compares both, and the noise with that of a render.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from videostyle.inference.canvas_sampling import remapped
from videostyle.network.canvas import CELL, OCTAVE_OFFSET, TEXELS, TILE, WAVELENGTHS, tile
from videostyle.training.device.camera import blurred, grid, smooth_field
from videostyle.training.device.draws import Draws
from videostyle.training.warping import sampled

Tensor = Any


def tiles(seeds: int) -> NDArray[np.float32]:
    """The tiles of noise of the seeds below ``seeds``, float32 ``[seeds, TILE + 1, TILE + 1, VARIANTS]``."""
    return np.stack([tile(seed, remapped) for seed in range(seeds)])


def octaves(noise: Tensor, seed: Tensor, x: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    """The noise at places of one layer: ``network.canvas.octaves`` for each pair.

    Args:
        noise: from ``tiles``.
        seed: int32 ``[N]``.
        x: float32 ``[N, h, w]``, canvas coordinates in cells.
        y: the same.
        scale: float32 ``[N]``, the enlargement.

    Returns:
        float32 ``[N, h, w, CHANNELS]``.
    """
    level = ops.reshape(ops.log2(scale), (-1, 1, 1))
    lowest = ops.floor(level)
    blend = (level - lowest) * (np.pi / 2)
    nearer, farther = ops.cos(blend)[..., None], ops.sin(blend)[..., None]

    def octave(number: int) -> Tensor:
        k = number - lowest
        density = TEXELS * ops.power(2.0, -k)
        columns = ops.mod(x * density + k * (OCTAVE_OFFSET[0] * TEXELS), float(TILE))
        rows = ops.mod(y * density + k * (OCTAVE_OFFSET[1] * TEXELS), float(TILE))
        return sampled(noise, columns, rows, seed)

    read = [octave(number) for number in range(-1, len(WAVELENGTHS))]
    return ops.concatenate([nearer * own + farther * finer for finer, own in pairwise(read)], axis=-1)


def canvases(noise: Tensor, draws: Draws, flow: Tensor) -> tuple[Tensor, Tensor]:
    """The canvas of neighbouring frames, with the errors that the canvas of a render has.

    Args:
        noise: from ``tiles``.
        draws: source of randomness.
        flow: float32 ``[N, S, S, 2]``, pixels, from t to t-1.

    Returns:
        The canvas of t-1 and that of t, float32 ``[N, S/4, S/4, CHANNELS]``.
    """
    size = flow.shape[1] // CELL
    smooth = ops.average_pool(blurred(flow, draws.whole(4, 9.0)), CELL, CELL, "valid") / CELL
    x, y = grid(size)
    seed = ops.cast(draws.whole(0, float(noise.shape[0])), "int32")
    scale = ops.where(draws.chance(0.5), ops.power(2.0, draws.uniform(-0.5, 0.5)), 1.0)
    angle = draws.uniform(0.0, 2.0 * np.pi)
    cosine, sine = (ops.reshape(turn(angle) / scale, (-1, 1, 1)) for turn in (ops.cos, ops.sin))
    origins = draws.uniform(0.0, 1024.0, (2, 2, 1, 1))  # of two layers

    def layer(u: Tensor, v: Tensor, number: int) -> Tensor:
        across, down = (origins[:, number, axis] for axis in (0, 1))
        return octaves(noise, seed, u * cosine + v * sine + across, v * cosine - u * sine + down, scale)

    # In one pair of six the canvas changes in places, as in a render that fades to a new layer of it.
    fading = ops.reshape(draws.chance(1 / 6), (-1, 1, 1))
    share = ops.where(fading, ops.clip(smooth_field(draws, size, 4, 0.8)[..., 0] + 0.5, 0.0, 1.0), 0.0)
    more = ops.where(fading, ops.clip(share + 0.04, 0.0, 1.0), 0.0)

    def blended(u: Tensor, v: Tensor, seen: Tensor) -> Tensor:
        turned = seen[..., None] * (np.pi / 2)
        return ops.cos(turned) * layer(u, v, 0) + ops.sin(turned) * layer(u, v, 1)

    return blended(x, y, share), blended(x + smooth[..., 0], y + smooth[..., 1], more)
