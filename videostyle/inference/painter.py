"""Runs the device program on frames of one size: as a whole, or in tiles if a frame is too large."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from videostyle.frames import AnyArray, ColorInfo
from videostyle.inference.backends.current import backend
from videostyle.inference.memory import MemoryBudget, bytes_per_pixel, scaling_bytes
from videostyle.inference.program import (
    FrameInputs,
    dithered_bytes,
    folded_program,
    for_stroke_size,
    for_whole_frames,
    i420_converter,
    is_bytes,
)
from videostyle.inference.shared_programs import Program, shared
from videostyle.inference.stroke_scaling import stroke_scaling
from videostyle.inference.stroke_size import painted_size
from videostyle.inference.tiling import grid_size, plan_tiles
from videostyle.network.architecture import Architecture, padded_size

TILE_PIXELS = 1920 * 1088  # of a tile where memory is short; it takes about 0.5 GB of activations in float32
LARGEST_TILE = 4096 * 2176  # a frame of 4K is painted whole where memory allows: where tiles overlap, they paint twice


def best_tile(
    architecture: Architecture, precision: str, size: tuple[int, int], frames: int, budget: MemoryBudget, workers: int
) -> int:
    """The size of tiles, in pixels, with which most is painted per second.

    Large tiles overlap less; of small ones, more fit into memory side by side.

    Args:
        architecture: of the network.
        precision: dtype of the computation.
        size: height and width at which frames are painted.
        frames: in a call.
        budget: memory of all calls side by side.
        workers: largest number of these.
    """
    stride, best, found = architecture.stride, 0.0, TILE_PIXELS
    limit = LARGEST_TILE
    while limit >= TILE_PIXELS:
        tiles = plan_tiles(*padded_size(*size, stride), halo_of(architecture), limit, stride)
        pixels = tiles[0].height * tiles[0].width
        call = bytes_per_pixel(architecture, precision) * pixels * (frames if len(tiles) == 1 else 1)
        rate = int(min(workers, budget.total / call)) / (len(tiles) * pixels)
        if rate > best:
            best, found = rate, limit
        limit //= 2
    return found


def halo_of(architecture: Architecture) -> int:
    """The margin of a tile, in pixels: what the kept part of it depends on, in whole cells of the network."""
    return -(-architecture.receptive_radius // architecture.stride) * architecture.stride


def _conversion(planes: ColorInfo | None, deep: bool) -> Callable[[Any], Any]:
    """From painted RGB of 8 or 16 bits to the output format; 8 bits that are made of 16 are dithered."""
    if planes:
        return i420_converter(planes, deep=deep)
    return lambda painted: painted if deep or is_bytes(painted) else dithered_bytes(painted)


@shared
def painting_program(
    architecture: Architecture,
    size: tuple[int, int],
    device: str,
    precision: str,
    planes: ColorInfo | None,
    deep: bool,
    stroke_size: float,
    whole: bool,
    at_once: bool,
) -> Program:
    """The program for frames of one size: for whole frames, in their output format, or for tiles (``FramePainter``).

    With ``at_once`` a program for whole frames is not compiled.
    """
    paint = folded_program(architecture, precision, deep=deep)
    if not whole:
        return backend().compiled(paint)
    scaling = stroke_scaling(size, stroke_size)
    unpadded = for_whole_frames(paint, *painted_size(*size, stroke_size), architecture.stride)
    frames, converted = for_stroke_size(unpadded, scaling), _conversion(planes, deep)

    def paint_whole(weights: Any, inputs: FrameInputs) -> tuple[Any, Any]:
        painted, finite = frames(weights, inputs)
        return converted(painted), finite

    return paint_whole if at_once else backend().compiled(paint_whole)


class FramePainter:
    """The compiled program for frames of one size. Several threads may call it at once.

    Args:
        architecture: of the network.
        size: height and width of the frames.
        device: its name, as from ``choose_device``.
        precision: dtype to compute in.
        planes: matrix and range of the painted frames' planes; None to get them as RGB.
        deep: paint more than 8 bits: uint16 RGB, or planes of 10 bits.
        tile: largest tile in painted pixels; None = ``TILE_PIXELS``.
        stroke_size: as in ``stroke_scaling``.

    Attributes:
        size: as given.
        painted_size: height and width at which they are painted.
        planes: as given.
        deep: as given.
        tiles: of a painted frame.
        program: what is compiled.
        at_once: paint whole frames without compiling: the first comes sooner, each one takes longer.

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
        deep: bool = False,
        tile: int | None = None,
        stroke_size: float | None = 1.0,
    ) -> None:
        self.size, self.planes, self.deep = size, planes, deep
        self.painted_size = painted_size(*size, stroke_size)
        self._device = device
        self._stride, self._halo = architecture.stride, halo_of(architecture)
        self._bytes_per_pixel = bytes_per_pixel(architecture, precision)
        still, moving = (grid_size(*self.painted_size, self._stride, moving=moves) for moves in (False, True))
        self.tiles = plan_tiles(*still, self._halo, tile or TILE_PIXELS, self._stride)
        # Frames that move on the grid are padded by a cell more, and so are their tiles.
        limit = (self.tiles[0].height + self._stride) * (self.tiles[0].width + self._stride)
        self._moving_tiles = plan_tiles(*moving, self._halo, limit, self._stride)
        self._converted = _conversion(planes, deep)
        self._scaling = stroke_scaling(size, stroke_size)
        self._scaling_bytes = scaling_bytes(size, self.painted_size)
        # Compiled once for each number of frames, or for each size of tiles.
        self._kind = architecture, size, device, precision, planes, deep, stroke_size, len(self.tiles) == 1
        self.program = painting_program(*self._kind, False)
        self.at_once = False

    def half_tile(self) -> int | None:
        """Pixels of a tile of half the current size; None if it would consist mostly of halo."""
        pixels = self.tiles[0].height * self.tiles[0].width // 2
        return pixels if pixels >= (4 * self._halo) ** 2 else None

    def bytes_of_call(self, frames: int) -> float:
        """Bytes that a call with so many frames takes. With tiles, one tile is painted at a time."""
        at_once = frames if len(self.tiles) == 1 else 1
        tile = self._bytes_per_pixel * self.tiles[0].height * self.tiles[0].width
        return at_once * (tile + self._scaling_bytes)

    def __call__(self, inputs: FrameInputs, weights: dict[str, Any]) -> tuple[AnyArray, bool]:
        """Paints frames.

        Args:
            inputs: NumPy arrays for frames of ``size``, uint8 or uint16 0..65535.
            weights: folded weights on the device, in the painter's precision.

        Returns:
            Painted frames, ``[B, H, W, 3]`` RGB or ``[B, H * 3 / 2, W]`` in planes, uint8 or uint16, and whether all
            values were finite.

        Raises:
            Exception: of any kind, if memory ran out (``is_out_of_memory``).
        """
        if len(self.tiles) > 1:
            return self._paint_tiles(inputs, weights)
        with backend().on(self._device):
            program = painting_program(*self._kind, True) if self.at_once else self.program
            painted, finite = program(weights, inputs.from_words().on_device())
            return self._delivered(painted), bool(finite)

    def _delivered(self, painted: Any) -> AnyArray:
        """Painted frames on the host; some backends have no uint16 on the device."""
        found = painted if isinstance(painted, np.ndarray) else backend().to_host(painted)
        return found if found.dtype == np.uint8 else found.astype(np.uint16, copy=False)

    def _paint_tiles(self, inputs: FrameInputs, weights: dict[str, Any]) -> tuple[AnyArray, bool]:
        """Paints frame after frame, tile by tile. A tile reads all pixels that its kept part depends on."""
        painted, all_finite = [], True
        for number in range(inputs.frame_count):
            one = inputs.between(number, number + 1).from_words()
            with backend().on(self._device):
                scaled = self._scaling.scaled(one.frames) if self._scaling else one.frames
                whole, finite = self._paint_in_pieces(one._replace(frames=scaled), weights)
                restored = self._scaling.restored(whole, scaled, one.frames) if self._scaling else whole
                painted.append(self._delivered(self._converted(restored)))
            all_finite = all_finite and finite
        return np.concatenate(painted), all_finite

    def _paint_in_pieces(self, one: FrameInputs, weights: dict[str, Any]) -> tuple[AnyArray, bool]:
        """Paints one frame of the painted size; ``[1, h, w, 3]``, uint8, or uint16 where more bits are wanted."""
        h, w = self.painted_size
        padded = one.padded(self._stride).as_numpy()
        dtype = np.uint16 if self.deep or padded.frames.dtype != np.uint8 else np.uint8
        painted, all_finite = np.empty(padded.frames.shape, dtype), True
        for t in self.tiles if one.offsets is None else self._moving_tiles:
            y, finite = self.program(weights, padded.of_tile(t).on_device())
            rows, columns = (
                slice(t.keep_top, t.keep_top + t.keep_height),
                slice(t.keep_left, t.keep_left + t.keep_width),
            )
            kept = self._delivered(y)[:, rows, columns]
            row, column = t.top + t.keep_top, t.left + t.keep_left
            painted[:, row : row + t.keep_height, column : column + t.keep_width] = kept
            all_finite = all_finite and bool(finite)
        return np.asarray(one.unpadded(painted, h, w)), all_finite

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
        with backend().on(self._device):
            for _ in range(rounds + 1):
                began = time.perf_counter()
                there = inputs.from_words().on_device()
                if "GPU" in self._device:
                    backend().wait_for(there.frames)
                sent = time.perf_counter()
                painted, finite = self.program(weights, there)
                bool(finite)
                done = time.perf_counter()
                backend().to_host(painted)
                for name, value in (("upload", sent - began), ("device", done - sent)):
                    seconds[name].append(value)
                seconds["download"].append(time.perf_counter() - done)
        return {name: values[1:] for name, values in seconds.items()}
