"""Batches of pairs made on the device: those of ``training.pairs.PairSampler``, from pictures that lie there.

Pictures and clips are uploaded once. A batch is a function of tensors (``make``), so that many steps with their batches
can be one compiled program. Chances, sizes and errors are those of the host's batches, compression included; the random
numbers are others, and differ between backends.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from videostyle.errors import UsageError
from videostyle.motion.flow import Float
from videostyle.training.device.backend import compiled
from videostyle.training.device.camera import Views, camera_motion, grid, of_each, recorded, smooth_field
from videostyle.training.device.canvas import canvases, tiles
from videostyle.training.device.draws import Draws, drawing
from videostyle.training.pairs import SEEDS, ClipPair, PairSampler, UInt8
from videostyle.training.warping import sampled

Tensor = Any
Data = dict[str, Tensor]


class DevicePairs(PairSampler):
    """A sampler of pairs whose pictures lie on the device, and whose batches are made there.

    Device memory: every picture and every frame of a clip takes the area of the largest one, 3 bytes a pixel; a pair of
    a clip takes another 9 bytes a pixel for flow and mask.

    Arguments and errors as in ``PairSampler``.
    """

    def __init__(self, pictures: Sequence[UInt8], clips: Sequence[ClipPair] = (), **options: Any) -> None:
        super().__init__(pictures, clips, **options)
        stacked, sizes = _stack(self._pictures)
        data: Data = {"pictures": stacked, "sizes": sizes, "noise": tiles(SEEDS), "seed": _spread(self._seed)}
        if self._clips:
            data["clip_current"], data["clip_sizes"] = _stack([c.current for c in self._clips])
            for name in ("previous", "flow"):
                data[f"clip_{name}"], _ = _stack([getattr(c, name) for c in self._clips])
            data["clip_mask"], _ = _stack([c.mask.astype(np.uint8) for c in self._clips])
        self.data = {name: ops.convert_to_tensor(value) for name, value in data.items()}
        self._generator = keras.random.SeedGenerator(0)
        self._compiled = compiled(self.make)

    def alike(self, *, size: int, batch: int, seed: int) -> DevicePairs:
        """A sampler of other windows from the same pictures, which lie on the device already.

        Raises:
            UsageError: if frames of clips are smaller than ``size``.
        """
        if any(min(clip.current.shape[:2]) < size for clip in self._clips):
            raise UsageError(
                f"no windows of {size} pixels from these clips",
                "some frames are smaller",
                hint="give a smaller size, or larger frames",
            )
        other = copy.copy(self)
        other._size, other._batch, other._seed = size, batch, seed
        other.data = {**self.data, "seed": ops.convert_to_tensor(_spread(seed))}
        if other.form != self.form:
            other._compiled = compiled(other.make)
        return other

    def identity(self) -> dict[str, Any]:
        """As that of ``PairSampler``; batches made on the device are others."""
        return {**super().identity(), "made by": f"device, {keras.backend.backend()}"}

    @property
    def form(self) -> tuple[Any, ...]:
        """What a compiled program depends on, beside the shapes of ``data``."""
        return self._size, self._batch, self._noise_share, self._clip_share

    def batch(self, step: int) -> dict[str, Float]:
        """The batch of one step, as arrays on the host."""
        made = self._compiled(self.data, np.int32(step))
        return {name: np.asarray(ops.convert_to_numpy(value)) for name, value in made.items()}

    def make(self, data: Mapping[str, Tensor], step: Tensor) -> dict[str, Tensor]:
        """The batch of one step: the fields of ``pairs.Pair`` by name, each ``[N, ...]``.

        Args:
            data: ``self.data``, handed in so that a compiled program has it as an input and not as a constant.
            step: a whole number, or a tensor of it.
        """
        with drawing(self._generator, data["seed"], step, self._batch) as draws:
            kind = draws.uniform(0.0, 1.0)
            still = kind < self._clip_share + self._noise_share
            previous, current, flow, mask = _of_stills(data, draws, self._size, still)
            if self._clips:
                own = of_each(kind < self._clip_share, flow)
                taken = _of_clips(data, draws, self._size)
                previous, current, flow, mask = (
                    ops.where(own, a, b) for a, b in zip(taken, (previous, current, flow, mask), strict=True)
                )
            before, now = canvases(data["noise"], draws, flow)
        return {
            "previous": previous,
            "current": current,
            "flow": flow,
            "mask": mask,
            "previous_canvas": before,
            "canvas": now,
        }


def _spread(seed: int) -> np.int32:
    """Another whole number for each seed, far from those of other seeds: some backends add seed and count."""
    return np.int32(seed * 2654435761 % 2**31)


def _stack(arrays: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], Float]:
    """Arrays ``[h, w, C]`` filled up with their edges to one ``[P, H, W, C]``; and their sizes, float32 ``[P, 2]``."""
    sizes = np.array([array.shape[:2] for array in arrays], np.float32)
    height, width = (int(side) for side in sizes.max(axis=0))
    out = np.empty((len(arrays), height, width, arrays[0].shape[2]), arrays[0].dtype)
    for place, array in zip(out, arrays, strict=True):
        h, w = array.shape[:2]
        place[:] = np.pad(array, ((0, height - h), (0, width - w), (0, 0)), mode="edge")
    return out, sizes


def _inside(columns: Tensor, rows: Tensor, size: int) -> Tensor:
    """Where places lie in a square of ``size`` pixels, bool, of their shape."""
    lowest, highest = ops.minimum(columns, rows), ops.maximum(columns, rows)
    return ops.logical_and(lowest >= 0.0, highest <= size - 1.0)


def _of_stills(data: Mapping[str, Tensor], draws: Draws, size: int, still: Tensor) -> tuple[Tensor, ...]:
    """Pairs of stills: ``pairs.noise_pair`` where ``still`` (bool ``[N]``), ``pairs.warped_pair`` elsewhere.

    Returns:
        previous, current, flow and mask, as in ``pairs.Pair``.
    """
    view, front = (Views(data["pictures"], data["sizes"], draws, size) for _ in range(2))
    x, y = grid(size)
    flow = camera_motion(draws, size)
    flow = ops.where(of_each(still, flow), 0.0, flow)
    there = x + flow[..., 0], y + flow[..., 1]
    previous, current = view(x, y), view(*there)
    mask = _inside(*there, size)
    # A cut-out of another picture passes in front.
    passes = ops.logical_and(draws.chance(0.3), ~still)[:, None, None]
    shift = 5.0 * draws.normal((2, 1, 1))
    blob = smooth_field(draws, size, 5, 1.0)[..., :1] - 0.6
    before = sampled(blob, x - shift[:, 0], y - shift[:, 1])[..., 0] > 0.0
    before, now = ops.logical_and(before, passes), ops.logical_and(blob[..., 0] > 0.0, passes)
    area = ops.cast(before, "float32")[..., None]
    covered = sampled(area, *there)[..., 0] > 0.0
    beside = x + shift[:, 0], y + shift[:, 1]
    # At the edge of the cut-out a sample between pixels would mix in the background.
    whole = sampled(area, *beside)[..., 0] > 0.999
    mask = ops.where(now, ops.logical_and(whole, _inside(*beside, size)), ops.logical_and(mask, ~covered))
    previous = ops.where(before[..., None], front(x, y), previous)
    current = ops.where(now[..., None], front(*beside), current)
    flow = ops.where(now[..., None], ops.transpose(shift, (0, 2, 3, 1)), flow)
    previous, current = recorded(previous, current, draws, ~still)
    return previous, current, flow, ops.cast(mask, "float32")[..., None]


def _of_clips(data: Mapping[str, Tensor], draws: Draws, size: int) -> tuple[Tensor, ...]:
    """Windows of neighbouring frames of clips (``pairs.clip_pair``); returns as ``_of_stills``."""
    which = ops.cast(draws.whole(0, float(data["clip_current"].shape[0])), "int32")
    room = ops.take(data["clip_sizes"], which, axis=0) - (size - 1.0)
    corner = draws.whole(0, room, (2,))[:, :, None, None]
    x, y = grid(size)

    def window(name: str) -> Tensor:
        frames = ops.cast(ops.take(data[f"clip_{name}"], which, axis=0), "float32")
        return sampled(frames, x + corner[:, 1], y + corner[:, 0])

    flow = window("flow")
    seen = _inside(x + flow[..., 0], y + flow[..., 1], size)[..., None]
    return window("previous") / 255.0, window("current") / 255.0, flow, window("mask") * ops.cast(seen, "float32")
