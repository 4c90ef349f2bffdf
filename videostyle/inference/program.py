"""The device program: what is compiled to paint frames, uint8 in and uint8 out, or 16 bits.

The statistics of the shot and the scaling from and to 0..255 are folded into the weights (``network.folding.fold``), so
the program is a cast, a pad, convolutions, a clip and a cast. Weights are arguments of the program: another style,
strength or shot changes numbers and not the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from videostyle.frames import ColorInfo
from videostyle.inference.backends.current import backend
from videostyle.inference.backends.protocol import Margins
from videostyle.inference.picture_scaling import to_bytes, to_words
from videostyle.inference.stroke_scaling import StrokeScaling
from videostyle.inference.tiling import Tile, grid_size, mirrored_margins, padding_offset
from videostyle.network.architecture import Architecture
from videostyle.network.canvas import CELL
from videostyle.network.folding import forward_phases
from videostyle.network.precision import dtype_of
from videostyle.network.resampling import depth_to_space, space_to_depth
from videostyle.network.style_network import forward


class FrameInputs(NamedTuple):
    """The inputs of the program for some frames, beside the weights: NumPy arrays or tensors.

    Frames are the first axis of every array. Only this class knows how inputs are split into batches, filled up, padded
    and split into tiles.

    Attributes:
        frames: uint8 ``[B, H, W, 3]`` RGB; or float32 0..255, of frames of more than 8 bits (``from_words``).
        canvas: float32 ``[B, h, w, C]``, sampled for the frames as they are scaled (``stroke_scaling``) and padded to
            the network's stride (``canvas_sampling``): h and w are a quarter of those sides. None = the style has no
            canvas.
        offsets: int32 ``[B, 2]``, (x, y), 0 to the network's stride - 1: where on the network's grid a frame's first
            pixel lies (``motion.grid_offsets``); the canvas is sampled accordingly. None = frames are padded evenly.
    """

    frames: Any
    canvas: Any = None
    offsets: Any = None

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return int(self.frames.shape[0])

    def between(self, first: int, end: int) -> FrameInputs:
        """The inputs of frames ``first`` to ``end - 1``."""
        return self._each(lambda array: array[first:end])

    def filled(self, count: int) -> FrameInputs:
        """NumPy inputs for ``count`` frames: the last frame is repeated in place of missing ones."""
        missing = count - self.frame_count
        if missing <= 0:
            return self
        return self._each(lambda array: np.concatenate([array, np.repeat(array[-1:], missing, axis=0)]))

    def padded(self, stride: int) -> FrameInputs:
        """Inputs for frames that are padded to whole cells of ``stride`` pixels, at their offsets on this grid."""
        h, w = self.frames.shape[1:3]
        height, width = grid_size(h, w, stride, moving=self.offsets is not None)
        if self.offsets is None:
            return self._replace(frames=symmetric_pad(self.frames, height, width))
        most = stride - 1
        around = _mirrored(self.frames, (most, height - h), (most, width - w))
        return FrameInputs(_cut(around, most - self.offsets, (height, width)), self.canvas)

    def unpadded(self, painted: Any, height: int, width: int) -> Any:
        """What was painted of these inputs after ``padded``, ``[B, ...]``, at the size of the frames."""
        if self.offsets is not None:
            return _cut(painted, self.offsets, (height, width))
        top, left = padding_offset(height, painted.shape[1]), padding_offset(width, painted.shape[2])
        return painted[:, top : top + height, left : left + width]

    def of_tile(self, tile: Tile) -> FrameInputs:
        """The part of padded inputs that a tile reads."""

        def cut(array: Any, cell: int) -> Any:
            top, left = tile.top // cell, tile.left // cell
            return array[:, top : top + tile.height // cell, left : left + tile.width // cell]

        return FrameInputs(cut(self.frames, 1), None if self.canvas is None else cut(self.canvas, CELL))

    def as_numpy(self) -> FrameInputs:
        """The same as NumPy arrays."""
        return self._each(np.asarray)

    def on_device(self) -> FrameInputs:
        """The same as tensors on the device of ``backends.protocol.Backend.on``."""
        return self._each(backend().to_device)

    def _each(self, function: Callable[[Any], Any]) -> FrameInputs:
        return FrameInputs(*(None if array is None else function(array) for array in self))

    def from_words(self) -> FrameInputs:
        """NumPy inputs with frames of 16 bits, 0..65535, as float32 0..255; those of 8 bits stay."""
        if self.frames.dtype == np.uint8:
            return self
        return self._replace(frames=self.frames.astype(np.float32) * np.float32(1 / 257))


def is_bytes(frames: Any) -> bool:
    """Whether frames have 8 bits; others are uint16 where the backend has it, or float32."""
    return bool(keras.backend.standardize_dtype(frames.dtype) == "uint8")


# (weights by name, inputs) -> painted uint8 [B, H, W, 3] RGB (uint16 0..65535 where more than 8 bits are wanted), and
# whether all its values were finite
Program = Callable[[Any, FrameInputs], tuple[Any, Any]]


def symmetric_pad(frames: Any, height: int, width: int) -> Any:
    """Pads ``[B, h, w, C]`` evenly on all sides to ``height`` x ``width`` by mirroring, repeatedly for tiny frames."""
    while True:
        h, w = frames.shape[1:3]
        if (h, w) == (height, width):
            return frames
        frames = _mirrored(frames, mirrored_margins(h, height), mirrored_margins(w, width))


def _mirrored(frames: Any, rows: Margins, columns: Margins) -> Any:
    """``[B, h, w, C]`` padded by mirroring; no margin is larger than the frames."""
    if isinstance(frames, np.ndarray):
        return np.pad(frames, ((0, 0), rows, columns, (0, 0)), mode="symmetric")
    return backend().symmetric_pad(frames, rows, columns)


def folded_program(arch: Architecture, precision: str, *, deep: bool = False) -> Program:
    """Paints padded frames with folded weights (``fold`` with white 255).

    Pixels are rearranged as bytes, before the first cast and after the last, which moves a quarter of the memory that
    floats would.

    Args:
        arch: sizes of the network.
        precision: of the computation and of the weights (``network.precision``).
        deep: paint uint16 0..65535 instead of uint8, as is always done for inputs that are not uint8.
    """

    def paint(weights: Any, inputs: FrameInputs) -> tuple[Any, Any]:
        phases = ops.cast(space_to_depth(inputs.frames, 2), dtype_of(precision, "stem"))
        y = forward_phases(arch, weights, phases, inputs.canvas)
        finite = ops.isfinite(ops.sum(ops.cast(y[:, ::2, ::2], "float32")))
        words = deep or not is_bytes(inputs.frames)
        return depth_to_space((to_words if words else to_bytes)(y), 2), finite

    return paint


def normalising_program(arch: Architecture) -> Program:
    """Paints padded frames with a style's unfolded weights in float32; each frame is normalised on its own."""

    def paint(weights: Any, inputs: FrameInputs) -> tuple[Any, Any]:
        y = forward(arch, weights, ops.cast(inputs.frames, "float32") / 255.0, inputs.canvas)
        return to_bytes(y * 255.0), ops.isfinite(ops.sum(y))

    return paint


def _cut(frames: Any, starts: Any, size: tuple[int, int]) -> Any:
    """The part of each frame ``[B, H, W, C]`` that begins at its start (x, y), int32 ``[B, 2]``, and has one size."""
    shape = (*size, frames.shape[3])
    if isinstance(frames, np.ndarray):
        return np.stack([frame[y : y + size[0], x : x + size[1]] for frame, (x, y) in zip(frames, starts, strict=True)])
    return ops.stack([ops.slice(frames[n], (starts[n, 1], starts[n, 0], 0), shape) for n in range(frames.shape[0])])


def for_whole_frames(program: Program, height: int, width: int, stride: int) -> Program:
    """The program for unpadded frames of one size: it pads them to the network's stride by mirroring, and crops."""

    def paint(weights: Any, inputs: FrameInputs) -> tuple[Any, Any]:
        painted, finite = program(weights, inputs.padded(stride))
        return inputs.unpadded(painted, height, width), finite

    return paint


def for_stroke_size(program: Program, scaling: StrokeScaling | None) -> Program:
    """The program for frames that are scaled before they are painted; the same program where ``scaling`` is None."""
    if scaling is None:
        return program

    def paint(weights: Any, inputs: FrameInputs) -> tuple[Any, Any]:
        scaled = scaling.scaled(inputs.frames)
        painted, finite = program(weights, inputs._replace(frames=scaled))
        return scaling.restored(painted, scaled, inputs.frames), finite

    return paint


# Order in which the pixels of an 8x8 square get the next level as a value rises (Bayer 1973).
BAYER = np.array(
    [
        [0, 32, 8, 40, 2, 34, 10, 42],
        [48, 16, 56, 24, 50, 18, 58, 26],
        [12, 44, 4, 36, 14, 46, 6, 38],
        [60, 28, 52, 20, 62, 30, 54, 22],
        [3, 35, 11, 43, 1, 33, 9, 41],
        [51, 19, 59, 27, 49, 17, 57, 25],
        [15, 47, 7, 39, 13, 45, 5, 37],
        [63, 31, 55, 23, 61, 29, 53, 21],
    ],
    np.float32,
)


def dither_pattern(height: int, width: int) -> NDArray[np.float32]:
    """What is added to values before their fraction is cut off, float32 ``[height, width]``, mean 0.5.

    It belongs to the place on the screen: what stands still does not flicker.
    """
    return np.tile((BAYER + 0.5) / 64.0, (-(-height // 8), -(-width // 8)))[:height, :width]


def dithered_bytes(rgb: Any) -> Any:
    """uint16 ``[B, H, W, 3]`` RGB 0..65535 as uint8, dithered (``dither_pattern``)."""
    pattern = dither_pattern(rgb.shape[1], rgb.shape[2])[None, :, :, None]
    return ops.cast(ops.clip(ops.cast(rgb, "float32") / 257.0 + pattern, 0.0, 255.5), "uint8")


def i420_converter(color: ColorInfo, *, deep: bool = False) -> Callable[[Any], Any]:
    """A function from RGB to the planes that an encoder takes.

    Args:
        color: matrix (BT.709, else BT.601) and range of the planes.
        deep: make planes of 10 bits.

    Returns:
        A function from uint8 ``[B, H, W, 3]`` RGB, full range, H and W even, or uint16 0..65535, to ``[B, H * 3 / 2,
        W]`` (``FrameBatch.frames`` of format "i420" or "i420p10"). Chroma is the mean of 2x2 pixels. Planes of 8 bits
        that are made of uint16 are dithered (``dither_pattern``).
    """
    red_weight, blue_weight = (0.2126, 0.0722) if color.matrix == "bt709" else (0.299, 0.114)
    full = bool(color.full_range)
    luma = np.array([red_weight, 1 - red_weight - blue_weight, blue_weight])
    blue = (np.array([0.0, 0.0, 1.0]) - luma) / (2 * (1 - blue_weight))
    red = (np.array([1.0, 0.0, 0.0]) - luma) / (2 * (1 - red_weight))
    largest, step = (1023.0, 4.0) if deep else (255.0, 1.0)
    y_scale, c_scale = (largest, largest) if full else (219.0 * step, 224.0 * step)
    matrix = np.stack([y_scale * luma, c_scale * blue, c_scale * red], axis=1)
    offset = np.array([0.0 if full else 16.0 * step, 128.0 * step, 128.0 * step], np.float32)

    def convert(rgb: Any) -> Any:
        words = not is_bytes(rgb)
        b, h, w = rgb.shape[0], rgb.shape[1], rgb.shape[2]
        scaled = (matrix / (65535.0 if words else 255.0)).astype(np.float32)
        yuv = ops.tensordot(ops.cast(rgb, "float32"), scaled, 1) + offset
        chroma = ops.average_pool(yuv[..., 1:], 2, 2, "valid", "channels_last")
        planes = ops.reshape(ops.transpose(chroma, (0, 3, 1, 2)), (b, h // 2, w))
        values = ops.clip(ops.concatenate([yuv[..., 0], planes], axis=1), 0.0, largest)
        if words and not deep:
            small = dither_pattern(h // 2, w // 2)
            pattern = np.concatenate([dither_pattern(h, w), np.tile(small.reshape(-1), 2).reshape(h // 2, w)])
            return ops.cast(ops.minimum(values + pattern, 255.5), "uint8")
        return ops.cast(values + 0.5, "uint16" if deep else "uint8")

    return convert
