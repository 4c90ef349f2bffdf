"""The device program: uint8 frames in, painted uint8 frames out, one compiled call with one copy each way.

This is the only module that knows TensorFlow at render time. The shot's statistics are folded into the
weights (``network.style_network.fold``) together with the scaling from and to 0..255, so that the program is a
cast, a pad, convolutions, a clip and a cast. Weights are arguments of the program: another style, strength or
shot changes numbers, not the graph.
"""

from __future__ import annotations

import bisect
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any

import numpy as np
import tensorflow as tf

from videostyle.errors import DeviceError, ModelError, UsageError
from videostyle.frames import FrameBatch, UInt8Array, VideoInfo, evenly_spread
from videostyle.inference.device import bfloat16_gain, cpu_flags
from videostyle.network.statistics import Span, between, columns, contrast, pooled, share_beside, steps_of
from videostyle.network.style_network import (
    Architecture,
    Statistics,
    depth_to_space,
    expand,
    fold,
    forward,
    forward_pairs,
    measure,
    padded_size,
    space_to_depth,
)
from videostyle.styles.gallery import ordinary_picture
from videostyle.styles.style_file import Arrays, Style

log = logging.getLogger("videostyle")

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
OUTPUTS = ("rgb24", "i420")
TILE_PIXELS = 1920 * 1088  # largest piece the network is given at once; about 0.5 GB of activations in float32
BATCH_PIXELS = 4 * 640 * 368  # pixels in a batch on a CPU: enough to fill the cores, few enough to stay in cache
MOST_PARTS = 64  # columns that a frame is cut into to be measured, when memory is short
BFLOAT16_PAYS = 1.3  # as much faster must it be on a CPU to be chosen; far from both gains that were met, 0.6 and 2.0
ACCELERATOR_BATCH_PIXELS = 16 * 1280 * 720


def cores() -> int:
    """Cores to compute on: ``VIDEOSTYLE_THREADS`` where several processes share the machine, else all."""
    chosen = os.environ.get("VIDEOSTYLE_THREADS", "")
    return int(chosen) if chosen.isdigit() and int(chosen) > 0 else os.cpu_count() or 1


def choose_device(name: str = "auto") -> str:
    """TensorFlow's name of the device to run on: "auto", "cpu", "gpu", "gpu:1", or that name itself.

    Raises:
        DeviceError: if there is no such device.
    """
    gpus = tf.config.list_physical_devices("GPU")
    name = name.lower().removeprefix("/")
    if name == "auto":
        return "/GPU:0" if gpus else "/CPU:0"
    if name in ("cpu", "cpu:0"):
        return "/CPU:0"
    number = name.removeprefix("gpu").removeprefix(":") or "0"
    if name.startswith("gpu") and number.isdigit() and int(number) < len(gpus):
        return f"/GPU:{number}"
    found = ", ".join(["cpu", *(f"gpu:{i}" for i in range(len(gpus)))])
    raise DeviceError(f"no device '{name}'", f"TensorFlow sees: {found}", "run 'videostyle doctor'")


def choose_precision(name: str, device: str) -> str:
    """The dtype to compute in: ``name``, or for "auto" what is fastest on the device.

    On a CPU that is bfloat16 where it has AMX tiles. With AVX512-BF16 alone it depends on the processor: half
    the time of float32 on one, 1.6 times of it on another (measured), so the processor is asked.
    """
    if name not in PRECISIONS:
        raise UsageError(f"no precision '{name}'", hint=f"use one of {', '.join(PRECISIONS)}")
    if name != "auto":
        return name
    if "GPU" in device:
        return "float16"
    flags = cpu_flags()
    pays = "amx_bf16" in flags or ("avx512_bf16" in flags and bfloat16_gain() > BFLOAT16_PAYS)
    return "bfloat16" if pays else "float32"


def symmetric_pad(frames: Any, height: int, width: int) -> Any:
    """Pads ``[B, h, w, C]`` at the centre to ``height`` x ``width`` by mirroring, as often as tiny frames need."""
    while True:
        h, w = frames.shape[1:3]
        if (h, w) == (height, width):
            return frames
        # The first rounds mirror at most the whole frame; margins stay split evenly for the last.
        top = min((height - h) // 2, h)
        left = min((width - w) // 2, w)
        bottom, right = min(height - h - top, h), min(width - w - left, w)
        frames = tf.pad(frames, ((0, 0), (top, bottom), (left, right), (0, 0)), mode="SYMMETRIC")


def _offsets(height: int, width: int, h: int, w: int) -> tuple[int, int]:
    """Where a frame of ``h`` x ``w`` lies after ``symmetric_pad``."""
    return _offset(height, h), _offset(width, w)


def _offset(total: int, side: int) -> int:
    offset = 0
    while side < total:
        before = min((total - side) // 2, side)
        offset += before
        side += before + min(total - side - before, side)
    return offset


Program = Callable[[Any, Any], tuple[Any, Any]]  # (weights, bytes [B, H, W, 3]) -> (painted bytes, all finite)


def _levels(values: Any) -> Any:
    """Values 0..255 as bytes, rounded."""
    # Casting cuts fractions off: half a level more makes it rounding. It is added in float32, as bfloat16 knows
    # whole levels only from 128 up.
    return tf.cast(tf.clip_by_value(tf.cast(values, tf.float32) + 0.5, 0.0, 255.5), tf.uint8)


def folded_program(arch: Architecture, precision: str) -> Program:
    """Paints padded frames with folded weights (``fold`` with white 255).

    Pixels are rearranged as bytes, before the first cast and after the last: a quarter of the memory that floats
    would move.
    """
    dtype = tf.as_dtype(precision)

    def paint(weights: Any, frames: Any) -> tuple[Any, Any]:
        y = forward_pairs(arch, weights, tf.cast(space_to_depth(frames, 2), dtype))
        finite = tf.math.is_finite(tf.reduce_sum(tf.cast(y[:, ::2, ::2], tf.float32)))
        return depth_to_space(_levels(y), 2), finite

    return paint


def normalising_program(arch: Architecture) -> Program:
    """Paints padded frames with a style's own weights, each frame normalised by itself."""

    def paint(weights: Any, frames: Any) -> tuple[Any, Any]:
        y = forward(arch, weights, tf.cast(frames, tf.float32) / 255.0)
        return _levels(y * 255.0), tf.math.is_finite(tf.reduce_sum(y))

    return paint


def for_whole_frames(program: Program, height: int, width: int, stride: int) -> Program:
    """The same for frames of any one size: mirrors them at the borders as far as the network needs, and crops."""
    padded = padded_size(height, width, stride)
    top, left = _offsets(*padded, height, width)

    def paint(weights: Any, frames: Any) -> tuple[Any, Any]:
        painted, finite = program(weights, symmetric_pad(frames, *padded))
        return painted[:, top : top + height, left : left + width], finite

    return paint


def standalone(style: Style, height: int, width: int, statistics: Statistics | None = None) -> Any:
    """The program for single frames with the weights inside, for other runtimes.

    Args:
        style: what to paint with.
        height: of the frames.
        width: of the frames.
        statistics: to paint every frame with; None where each is to be normalised by itself.

    Returns:
        A ``tf.Module`` whose ``paint`` maps "frame", uint8 ``[1, height, width, 3]`` RGB, to a dictionary with
        "painted", of the same shape.
    """
    arch = style.architecture
    if statistics is None:
        arrays, program = style.weights, normalising_program(arch)
    else:
        arrays, program = fold(arch, style.weights, statistics, white=255.0), folded_program(arch, "float32")
    program = for_whole_frames(program, height, width, arch.stride)
    module = tf.Module()
    module.arrays = {name: tf.Variable(value, trainable=False) for name, value in arrays.items()}

    def paint(frame: Any) -> Any:
        return {"painted": program(module.arrays, frame)[0]}

    signature = [tf.TensorSpec((1, height, width, 3), tf.uint8, name="frame")]
    module.paint = tf.function(paint, autograph=False, input_signature=signature)
    return module


@dataclass(frozen=True)
class Tile:
    """A piece of a padded frame: rows and columns to read, and the part of the result to keep."""

    top: int
    left: int
    height: int
    width: int
    keep_top: int
    keep_left: int
    keep_height: int
    keep_width: int


def plan_tiles(height: int, width: int, halo: int, limit: int, stride: int = 8) -> list[Tile]:
    """Splits a padded frame into equal tiles of at most ``limit`` pixels each, halo included.

    Tiles begin at multiples of ``stride``, so that every pixel has the same place in its cell as in the whole
    frame; with a halo of the network's reach the pieces are those of the whole frame.

    Args:
        height: padded height, a multiple of ``stride``.
        width: padded width, a multiple of ``stride``.
        halo: pixels to read beyond what is kept, a multiple of ``stride``.
        limit: pixels of a tile.
        stride: alignment of tiles.

    Raises:
        DeviceError: if ``limit`` leaves no room beside the halo.
    """
    if height * width <= limit:
        return [Tile(0, 0, height, width, 0, 0, height, width)]
    for pieces in range(2, 4096):
        for rows in range(1, pieces + 1):
            if pieces % rows:
                continue
            columns = pieces // rows
            keep_h = -(-height // (rows * stride)) * stride
            keep_w = -(-width // (columns * stride)) * stride
            tile_h, tile_w = min(height, keep_h + 2 * halo), min(width, keep_w + 2 * halo)
            if tile_h * tile_w > limit:
                continue
            tiles = []
            for top in range(0, height, keep_h):
                for left in range(0, width, keep_w):
                    # All tiles have one size, so that one compiled program serves them: those at an edge
                    # read further inwards instead.
                    from_top = min(max(0, top - halo), height - tile_h)
                    from_left = min(max(0, left - halo), width - tile_w)
                    kept = min(keep_h, height - top), min(keep_w, width - left)
                    tiles.append(Tile(from_top, from_left, tile_h, tile_w, top - from_top, left - from_left, *kept))
            return tiles
    raise DeviceError(f"frames of {width}x{height} do not fit", f"a tile may have {limit} pixels", "lower --max-size")


class Stylize:
    """Paints frames with a style: the style processor.

    Statistics come from ``use_shots``; without them those of the first batch that arrives are measured, on up to
    four of its frames, and kept.

    Args:
        style: what to paint with, at its strength already (``gallery.resolve``).
        precision: one of ``PRECISIONS``.
        batch_size: frames computed at once; None chooses by frame size.
        device: as in ``choose_device``.
        output: "rgb24", or "i420" (BT.601 or BT.709 and range as the video says; even sizes only, else RGB).
        tile: largest tile in pixels; None chooses.
        batch_pixels: pixels that a chosen batch may have over all workers; None = what suits such a device.
    """

    def __init__(
        self,
        style: Style,
        *,
        precision: str = "auto",
        batch_size: int | None = None,
        device: str = "auto",
        output: str = "rgb24",
        tile: int | None = None,
        batch_pixels: int | None = None,
    ) -> None:
        if output not in OUTPUTS:
            raise UsageError(f"no output format '{output}'", hint=f"use one of {', '.join(OUTPUTS)}")
        if batch_size is not None and not 1 <= batch_size <= 1024:
            raise UsageError("the batch size must lie between 1 and 1024")
        self.style = style
        self.device = choose_device(device)
        self.precision = choose_precision(precision, self.device)
        self.warnings: list[str] = []
        self._batch = batch_size
        self._tile = tile
        self._batch_pixels = batch_pixels or (ACCELERATOR_BATCH_PIXELS if "GPU" in self.device else BATCH_PIXELS)
        self._output = output
        self._info: VideoInfo | None = None
        self._spans: list[Span] = []
        self._steps: dict[int, int] = {}  # of the glide after a span
        self._kernels: Arrays = {}
        self._weights: dict[tuple[int, float], dict[str, Any]] = {}
        self._programs: dict[tuple[int, ...], Callable[..., Any]] = {}
        self._alone = threading.Lock()  # for those who measure when memory is short
        self._beside: UInt8Array = np.empty((1, 0, 0, 3), np.uint8)  # the ordinary picture, at the size last measured
        # Where TensorFlow computes each operation on one thread, batches are computed side by side instead: no
        # core waits for another at the end of each layer, which matters most while the encoder takes its share.
        alone = "CPU" in self.device and tf.config.threading.get_intra_op_parallelism_threads() == 1
        self._workers = cores() if alone else 1
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="paint")

    # -- the processor protocol ------------------------------------------------------------------------------

    def open(self, info: VideoInfo) -> VideoInfo:
        """Prepares for frames of this size; the delivered ones have the same."""
        self._info = info
        self._size = info.height, info.width
        self._padded = padded_size(*self._size, self.style.architecture.stride)
        self._batch = self.frames_of_call(info)
        self._i420 = self._output == "i420" and info.width % 2 == 0 and info.height % 2 == 0
        halo = -(-self.style.architecture.receptive_radius // 8) * 8
        self._tiles = plan_tiles(*self._padded, halo, self._tile or TILE_PIXELS)
        self._halo = halo
        return info

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Paints one batch. Its frames may belong to several shots.

        Raises:
            ModelError: if the network gave a value that is not finite.
            DeviceError: if even one tile of one frame does not fit.
        """
        if self._info is None:
            raise ValueError("open() comes first")
        if batch.frames.shape[1:3] != self._size:
            raise ValueError(f"frames of {batch.frames.shape[1:3]} after open() with {self._size}")
        if not self._spans:
            self.use_shots([Span(0, self.statistics_of(batch.frames[evenly_spread(len(batch), 4)]))])
        places = [self._place_of(batch.index + number) for number in range(len(batch))]
        # Frames come in order: weights of places that are left behind will not be needed again.
        self._weights = {place: self._weights.get(place) or self._weights_at(*place) for place in dict.fromkeys(places)}
        frames = self._paint(batch.frames, places)
        return FrameBatch(frames, batch.pts, batch.index, "i420" if self._i420 else "rgb24", batch.durations)

    def close(self) -> None:
        """Forgets compiled programs and device copies of weights."""
        self._weights.clear()
        self._programs.clear()

    # -- shots, statistics, styles ---------------------------------------------------------------------------

    def use_shots(self, spans: Sequence[Span]) -> None:
        """Sets which statistics hold from which frame on, in order."""
        if not spans:
            raise ValueError("at least one shot is needed")
        self._spans = sorted(spans, key=lambda span: span.first)
        self._steps.clear()
        self._weights.clear()

    def use_style(self, style: Style) -> None:
        """Changes the style between two frames, statistics kept; nothing is compiled again.

        Raises:
            ModelError: if its network has other sizes.
        """
        if style.architecture != self.style.architecture:
            raise ModelError(f"cannot change to '{style.card.name}'", "its network has other sizes")
        self.style = style
        self._weights.clear()
        self._kernels = {}

    def statistics_of(self, frames: UInt8Array, style: Style | None = None, parts: int = 1) -> Statistics:
        """Statistics of a shot from some of its frames.

        A flat scene is measured beside an ordinary picture (``network.statistics``).

        Of a style between others the painted colours are measured too, as "out", and those of its ends: "line" is
        the mean and the contrast on the straight line between them, which painting keeps to (``fold``).

        Args:
            frames: uint8 ``[K, H, W, 3]`` RGB.
            style: a style of the same network to measure for; the one painted with where None.
            parts: frames are measured in at least so many columns (``network.statistics.columns``).
        """
        style = style or self.style
        found = self.network_statistics(frames, style, bool(style.ends), parts)
        if style.ends:
            ends = [(self.network_statistics(frames, end, True, parts)["out"], share) for end, share in style.ends]
            mean = sum(share * mean for (mean, _), share in ends)
            deviation = sum(share * np.sqrt(variance) for (_, variance), share in ends)
            found["line"] = np.asarray(mean, np.float32), np.asarray(deviation**2, np.float32)
        return found

    def network_statistics(
        self, frames: UInt8Array, style: Style, colour: bool = False, parts: int = 1, only: int | None = None
    ) -> Statistics:
        """As ``statistics_of`` for the layers of one network.

        One frame is measured at a time, and a large one in columns, so that memory stays bounded (but where a
        single column is asked for: who asks says how many there are). Where memory runs out all the same, those
        who met that measure one after the other, in more columns if that alone does not help.

        Args:
            frames: as in ``statistics_of``.
            style: as in ``statistics_of``.
            colour: whether to measure the painted colours, "out", too.
            parts: as in ``statistics_of``.
            only: number of the one of exactly ``parts`` columns to measure; all of them where None.

        Raises:
            DeviceError: if even narrow columns do not fit into memory.
        """
        try:
            return self._statistics(frames, style, colour, parts, only)
        except tf.errors.ResourceExhaustedError as error:
            last: Exception = error
        with self._alone:
            while only is None and parts <= MOST_PARTS:
                try:
                    return self._statistics(frames, style, colour, parts, None)
                except tf.errors.ResourceExhaustedError as error:
                    last, parts = error, 2 * parts
        h, w = frames.shape[1:3]
        raise DeviceError(
            f"a frame of {w}x{h} cannot be measured", f"memory ran out: {str(last)[:200]}", "lower --max-size"
        ) from last

    def _statistics(self, frames: UInt8Array, style: Style, colour: bool, parts: int, only: int | None) -> Statistics:
        h, w = frames.shape[1:3]
        if only is None:
            parts = max(parts, math.ceil(h * w / TILE_PIXELS))
        share = share_beside(contrast(frames), self._ordinary_contrast)
        if share and self._beside.shape[1:3] != (h, w):
            picture = tf.image.resize(self._ordinary[None], (h, w), "bicubic", antialias=True)
            self._beside = np.rint(np.clip(picture.numpy(), 0, 255)).astype(np.uint8)
        others = columns(self._beside[0], parts) if share else repeat(None)
        pieces = [both for frame in frames for both in zip(columns(frame, parts), others, strict=False)]
        chosen = pieces if only is None else [pieces[only]]
        return pooled([self._measure(piece, style.weights, beside, share, colour) for piece, beside in chosen])

    @cached_property
    def _ordinary(self) -> UInt8Array:
        return np.asarray(tf.io.decode_jpeg(tf.io.read_file(str(ordinary_picture())), channels=3).numpy())

    @cached_property
    def _ordinary_contrast(self) -> float:
        return contrast(self._ordinary[None])

    def _measure(
        self, piece: UInt8Array, weights: Arrays, beside: UInt8Array | None, share: float, colour: bool
    ) -> Statistics:
        key = (-1 - colour - 2 * (beside is not None), *piece.shape[:2])
        program = self._programs.get(key)
        if program is None:
            arch = self.style.architecture
            size = padded_size(piece.shape[0], piece.shape[1], arch.stride)

            def picture(piece: Any) -> Any:
                return symmetric_pad(tf.cast(piece[None], tf.float32) / 255.0, *size)

            def statistics(weights: Any, piece: Any, beside: Any, share: Any) -> Any:
                other = None if beside is None else picture(beside)
                return measure(arch, weights, picture(piece), colour, other, share)

            program = self._programs[key] = tf.function(statistics, autograph=False)
        with tf.device(self.device):
            arrays = {name: tf.constant(value) for name, value in weights.items()}
            other = None if beside is None else tf.constant(beside)
            found = program(arrays, tf.constant(piece), other, tf.constant(share, tf.float32))
        return {layer: (mean.numpy(), variance.numpy()) for layer, (mean, variance) in found.items()}

    def _place_of(self, frame: int) -> tuple[int, float]:
        """The span that a frame lies in, and how far its statistics have gone over to those of the next, 0..1."""
        number = max(0, bisect.bisect_right(self._spans, frame, key=lambda span: span.first) - 1)
        if number + 1 == len(self._spans):
            return number, 0.0
        span, after = self._spans[number : number + 2]
        gone = frame - (after.first - after.glide)
        if gone <= 0:
            return number, 0.0
        if number not in self._steps:  # the same for every frame of a glide
            self._steps[number] = steps_of(after.glide, span.statistics, after.statistics)
        steps = self._steps[number]
        return number, round(gone / after.glide * steps) / steps

    def _weights_at(self, number: int, share: float) -> dict[str, Any]:
        """The weights at a place (``_place_of``), on the device."""
        statistics = self._spans[number].statistics
        if share:
            statistics = between(statistics, self._spans[number + 1].statistics, share)
        self._kernels = self._kernels or expand(self.style.weights)
        arrays = fold(self.style.architecture, self.style.weights, statistics, white=255.0, kernels=self._kernels)
        dtype = tf.as_dtype(self.precision)
        with tf.device(self.device):
            return {name: tf.cast(tf.constant(value), dtype) for name, value in arrays.items()}

    # -- painting --------------------------------------------------------------------------------------------

    def batch_for(self, height: int, width: int) -> int:
        """A power of two of frames that makes good use of the device, from 1 to 16."""
        return 2 ** min(4, max(0, int(math.log2(max(1.0, self._batch_pixels / (height * width))))))

    def batch_for_frames(self, info: VideoInfo) -> int:
        """Frames that are best handed over at once for a video of this size."""
        return self._workers * self.frames_of_call(info)

    def frames_of_call(self, info: VideoInfo) -> int:
        """Frames of one call of the compiled program, for a video of this size."""
        return self._batch or max(1, self.batch_for(info.height, info.width) // self._workers)

    @property
    def batch_size(self) -> int:
        """Frames computed at once, after ``open``."""
        return self._batch or 1

    def _paint(self, frames: UInt8Array, places: Sequence[tuple[int, float]]) -> UInt8Array:
        """Paints frames at their places in batches of the fixed size, which shrinks when memory runs out."""
        results: list[UInt8Array] = []
        at = 0
        while at < len(frames):
            size = self._batch or 1
            calls: list[tuple[UInt8Array, int, dict[str, Any]]] = []
            end = at
            while end < len(frames) and len(calls) < self._workers:
                first = end
                while end < min(len(frames), first + size) and places[end] == places[first]:
                    end += 1
                # In a glide every frame may have weights of its own.
                filled = 1 if end - first == 1 else size
                calls.append((frames[first:end], filled, self._weights[places[first]]))
            if len(self._tiles) == 1:
                for filled in {filled for _, filled, _ in calls}:
                    self._program(filled)  # made here, not by two workers at once
            try:
                done = list(self._pool.map(lambda call: self._run_filled(*call), calls))
            except tf.errors.ResourceExhaustedError as error:
                self._shrink(error)
                continue
            for painted, finite in done:
                if not finite:
                    raise ModelError(
                        f"the style '{self.style.card.name}' painted values that are not finite",
                        hint="the style file is damaged, or --precision float32 is needed",
                    )
                results.append(painted)
                at += len(painted)
        return results[0] if len(results) == 1 else np.concatenate(results)

    def _run_filled(self, part: UInt8Array, size: int, weights: dict[str, Any]) -> tuple[UInt8Array, bool]:
        """``_run`` on a batch filled up to ``size``: a shape that was not seen before would be compiled anew."""
        count = len(part)
        if count < size:
            part = np.concatenate([part, np.repeat(part[-1:], size - count, axis=0)])
        painted, finite = self._run(part, weights)
        return painted[:count], finite

    def _shrink(self, error: Exception) -> None:
        """After memory ran out: halves the batch, then the tiles."""
        self._programs.clear()
        if self._batch and self._batch > 1:
            self._batch //= 2
            self.warnings.append(f"memory ran out: painting {self._batch} frames at once from here on")
        else:
            limit = self._tiles[0].height * self._tiles[0].width // 2
            if limit < (4 * self._halo) ** 2:
                h, w = self._size
                raise DeviceError(
                    f"a frame of {w}x{h} does not fit into memory", str(error)[:200], "lower --max-size"
                ) from error
            self._tiles = plan_tiles(*self._padded, self._halo, limit)
            self.warnings.append(f"memory ran out: painting in {len(self._tiles)} tiles from here on")
        log.warning(self.warnings[-1])

    def _run(self, frames: UInt8Array, weights: dict[str, Any]) -> tuple[UInt8Array, bool]:
        if len(self._tiles) == 1:
            program = self._program(len(frames))
            with tf.device(self.device):
                painted, finite = program(weights, tf.constant(frames))
            return painted.numpy(), bool(finite)
        return self._run_tiles(frames, weights)

    @property
    def workers(self) -> int:
        """Batches computed side by side."""
        return self._workers

    def stage_seconds(self, frames: UInt8Array, rounds: int) -> dict[str, list[float]]:
        """Seconds of the ways to and from the device and of the computation alone, for each round.

        Args:
            frames: uint8 ``[B, H, W, 3]`` of the size given to ``open``, one batch of one shot, not tiled.
            rounds: how often to measure, after one round that is not counted.

        Returns:
            "upload", "device" and "download", one value for each round.
        """
        if len(self._tiles) > 1:
            raise ValueError("frames in tiles have no single computation to measure")
        if not self._spans:
            self.use_shots([Span(0, self.statistics_of(frames[:1]))])
        weights, program = self._weights_at(0, 0.0), self._program(len(frames))
        seconds: dict[str, list[float]] = {"upload": [], "device": [], "download": []}
        with tf.device(self.device):
            for _ in range(rounds + 1):
                began = time.perf_counter()
                there = tf.constant(frames)
                if "GPU" in self.device:
                    int(tf.reshape(there, [-1])[0])
                sent = time.perf_counter()
                painted, finite = program(weights, there)
                bool(finite)
                done = time.perf_counter()
                painted.numpy()
                for name, value in (("upload", sent - began), ("device", done - sent)):
                    seconds[name].append(value)
                seconds["download"].append(time.perf_counter() - done)
        return {name: values[1:] for name, values in seconds.items()}

    def _program(self, batch: int) -> Callable[..., Any]:
        """The compiled program for whole frames."""
        key = (0, batch)
        if key not in self._programs:
            paint = for_whole_frames(self._folded(), *self._size, self.style.architecture.stride)
            i420 = self._to_i420() if self._i420 else None

            def program(weights: Any, frames: Any) -> Any:
                painted, finite = paint(weights, frames)
                return i420(painted) if i420 else painted, finite

            self._programs[key] = tf.function(program, autograph=False)
        return self._programs[key]

    def _folded(self) -> Program:
        return folded_program(self.style.architecture, self.precision)

    def _to_i420(self) -> Callable[[Any], Any]:
        """RGB bytes ``[B, H, W, 3]`` to planes ``[B, H * 3 / 2, W]``, in the video's matrix and range."""
        color = self._info.color if self._info else None
        kr, kb = (0.2126, 0.0722) if color and color.matrix == "bt709" else (0.299, 0.114)
        full = bool(color and color.full_range)
        luma = np.array([kr, 1 - kr - kb, kb])
        blue = (np.array([0.0, 0.0, 1.0]) - luma) / (2 * (1 - kb))
        red = (np.array([1.0, 0.0, 0.0]) - luma) / (2 * (1 - kr))
        y_scale, c_scale = (1.0, 1.0) if full else (219 / 255, 224 / 255)
        matrix = np.stack([y_scale * luma, c_scale * blue, c_scale * red], axis=1).astype(np.float32)
        offset = np.array([0.0 if full else 16.0, 128.0, 128.0], np.float32)

        def convert(y: Any) -> Any:
            yuv = tf.tensordot(tf.cast(y, tf.float32), matrix, 1) + offset
            chroma = tf.nn.avg_pool2d(yuv[..., 1:], 2, 2, "VALID")
            b, h, w = y.shape[0], y.shape[1], y.shape[2]
            planes = tf.reshape(tf.transpose(chroma, (0, 3, 1, 2)), (b, h // 2, w))
            return tf.cast(tf.clip_by_value(tf.concat([yuv[..., 0], planes], axis=1), 0.0, 255.0) + 0.5, tf.uint8)

        return convert

    def _run_tiles(self, frames: UInt8Array, weights: dict[str, Any]) -> tuple[UInt8Array, bool]:
        """Paints one frame after the other, tile by tile; exact, as each tile reads all that it depends on."""
        tile = self._tiles[0]
        key = (1, tile.height, tile.width)
        if key not in self._programs:
            self._programs[key] = tf.function(self._folded(), autograph=False)
        h, w = self._size
        top, left = _offsets(*self._padded, h, w)
        painted, whole = np.empty((len(frames), h, w, 3), np.uint8), True
        for number, frame in enumerate(frames):
            padded = symmetric_pad(tf.constant(frame[None]), *self._padded).numpy()
            canvas = np.empty((*self._padded, 3), np.uint8)
            for t in self._tiles:
                piece = padded[:, t.top : t.top + t.height, t.left : t.left + t.width]
                with tf.device(self.device):
                    y, finite = self._programs[key](weights, tf.constant(piece))
                kept = y.numpy()[0, t.keep_top : t.keep_top + t.keep_height, t.keep_left : t.keep_left + t.keep_width]
                row, column = t.top + t.keep_top, t.left + t.keep_left
                canvas[row : row + t.keep_height, column : column + t.keep_width] = kept
                whole = whole and bool(finite)
            painted[number] = canvas[top : top + h, left : left + w]
        if self._i420:
            convert = self._to_i420()
            painted = convert(tf.constant(painted)).numpy()
        return painted, whole
