"""Runs the device program on frames of one size: as a whole, or in tiles if a frame is too large."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import tensorflow as tf

from videostyle.frames import ColorInfo, UInt8Array
from videostyle.inference.memory import bytes_per_pixel, scaling_bytes
from videostyle.inference.program import (
    FrameInputs,
    folded_program,
    for_stroke_size,
    for_whole_frames,
    i420_converter,
)
from videostyle.inference.stroke_scaling import stroke_scaling
from videostyle.inference.stroke_size import painted_size
from videostyle.inference.tiling import padding_offset, plan_tiles
from videostyle.network.architecture import Architecture, padded_size

TILE_PIXELS = 1920 * 1088  # largest tile; it takes about 0.5 GB of activations in float32


class FramePainter:
    """The compiled program for frames of one size. Several threads may call it at once.

    Args:
        architecture: of the network.
        size: height and width of the frames.
        device: TensorFlow's name.
        precision: dtype to compute in.
        planes: matrix and range of the painted frames' planes; None to get them as RGB.
        tile: largest tile in painted pixels; None = ``TILE_PIXELS``.
        stroke_size: as in ``stroke_scaling``.

    Attributes:
        size: as given.
        painted_size: height and width at which they are painted.
        planes: as given.
        tiles: of a painted frame.
        program: what is compiled.

    Raises:
        DeviceError: if such a tile has no room beside its halo.
    """

    def __init__(
        self,
        architecture: Architecture,
        size: tuple[int, int],
        *,
        device: str,
        precision: str,
        planes: ColorInfo | None = None,
        tile: int | None = None,
        stroke_size: float = 1.0,
    ) -> None:
        self.size, self.planes = size, planes
        self.painted_size = painted_size(*size, stroke_size)
        self._device = device
        self._padded = padded_size(*self.painted_size, architecture.stride)
        # Rounded up, so that tiles begin at borders of the network's cells.
        self._halo = -(-architecture.receptive_radius // architecture.stride) * architecture.stride
        self._bytes_per_pixel = bytes_per_pixel(architecture, precision)
        self.tiles = plan_tiles(*self._padded, self._halo, tile or TILE_PIXELS, architecture.stride)
        self._convert = i420_converter(planes) if planes else None
        self._scaling = stroke_scaling(size, stroke_size)
        self._scaling_bytes = scaling_bytes(size, self.painted_size)
        paint = folded_program(architecture, precision)
        whole = for_stroke_size(for_whole_frames(paint, *self.painted_size, architecture.stride), self._scaling)

        def paint_whole(weights: Any, inputs: FrameInputs) -> tuple[Any, Any]:
            painted, finite = whole(weights, inputs)
            return self._convert(painted) if self._convert else painted, finite

        # TensorFlow traces it once for each number of frames, and locks while it does.
        self.program = tf.function(paint_whole if len(self.tiles) == 1 else paint, autograph=False)

    def half_tile(self) -> int | None:
        """Pixels of a tile of half the current size; None if it would consist mostly of halo."""
        pixels = self.tiles[0].height * self.tiles[0].width // 2
        return pixels if pixels >= (4 * self._halo) ** 2 else None

    def bytes_of_call(self, frames: int) -> float:
        """Bytes that a call with so many frames takes. With tiles, one tile is painted at a time."""
        at_once = frames if len(self.tiles) == 1 else 1
        tile = self._bytes_per_pixel * self.tiles[0].height * self.tiles[0].width
        return at_once * (tile + self._scaling_bytes)

    def __call__(self, inputs: FrameInputs, weights: dict[str, Any]) -> tuple[UInt8Array, bool]:
        """Paints frames.

        Args:
            inputs: NumPy arrays for frames of ``size``.
            weights: folded weights on the device, in the painter's precision.

        Returns:
            Painted frames, uint8 ``[B, H, W, 3]`` RGB or ``[B, H * 3 / 2, W]`` in planes, and whether all values
            were finite.

        Raises:
            tensorflow.errors.OpError, MemoryError: if memory ran out (``is_out_of_memory``).
        """
        if len(self.tiles) > 1:
            return self._paint_tiles(inputs, weights)
        with tf.device(self._device):
            painted, finite = self.program(weights, inputs.on_device())
        return painted.numpy(), bool(finite)

    def _paint_tiles(self, inputs: FrameInputs, weights: dict[str, Any]) -> tuple[UInt8Array, bool]:
        """Paints frame after frame, tile by tile. A tile reads all pixels that its kept part depends on."""
        painted, all_finite = [], True
        for number in range(inputs.frame_count):
            one = inputs.between(number, number + 1)
            with tf.device(self._device):
                scaled = self._scaling.scaled(one.frames) if self._scaling else one.frames
                whole, finite = self._paint_in_pieces(one._replace(frames=scaled), weights)
                restored = self._scaling.restored(whole, scaled, one.frames) if self._scaling else whole
                painted.append(np.asarray(self._convert(tf.constant(restored)) if self._convert else restored))
            all_finite = all_finite and finite
        return np.concatenate(painted), all_finite

    def _paint_in_pieces(self, one: FrameInputs, weights: dict[str, Any]) -> tuple[UInt8Array, bool]:
        """Paints one frame of the painted size; uint8 ``[1, h, w, 3]``."""
        h, w = self.painted_size
        top, left = padding_offset(h, self._padded[0]), padding_offset(w, self._padded[1])
        padded = one.padded(*self._padded).as_numpy()
        painted, all_finite = np.empty((1, *self._padded, 3), np.uint8), True
        for t in self.tiles:
            y, finite = self.program(weights, padded.of_tile(t).on_device())
            kept = y.numpy()[:, t.keep_top : t.keep_top + t.keep_height, t.keep_left : t.keep_left + t.keep_width]
            row, column = t.top + t.keep_top, t.left + t.keep_left
            painted[:, row : row + t.keep_height, column : column + t.keep_width] = kept
            all_finite = all_finite and bool(finite)
        return painted[:, top : top + h, left : left + w], all_finite

    def seconds(self, inputs: FrameInputs, weights: dict[str, Any], rounds: int) -> dict[str, list[float]]:
        """Measures the copy to the device, the computation, and the copy back, each on its own.

        Args:
            inputs: as in a call.
            weights: as in a call.
            rounds: number of measurements, after one that is not counted.

        Returns:
            Seconds by "upload", "device" and "download", one value for each round.
        """
        if len(self.tiles) > 1:
            raise ValueError("frames in tiles have no single computation to measure")
        seconds: dict[str, list[float]] = {"upload": [], "device": [], "download": []}
        with tf.device(self._device):
            for _ in range(rounds + 1):
                began = time.perf_counter()
                there = inputs.on_device()
                if "GPU" in self._device:
                    int(tf.reshape(there.frames, [-1])[0])
                sent = time.perf_counter()
                painted, finite = self.program(weights, there)
                bool(finite)
                done = time.perf_counter()
                painted.numpy()
                for name, value in (("upload", sent - began), ("device", done - sent)):
                    seconds[name].append(value)
                seconds["download"].append(time.perf_counter() - done)
        return {name: values[1:] for name, values in seconds.items()}
