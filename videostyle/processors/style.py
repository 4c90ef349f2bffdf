"""The style processor: paints batches of frames, each with the statistics of its shot.

What is computed, ``inference`` says; here is which weights hold at which frame, and what happens when memory runs out.
"""

from __future__ import annotations

import bisect
import logging
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf

from videostyle.errors import DeviceError, ModelError, UsageError
from videostyle.frames import CanvasMesh, ColorInfo, Float32Array, FrameBatch, UInt8Array, VideoInfo, evenly_spread
from videostyle.inference.canvas_sampling import CanvasSettings, same_mesh, sample_canvas, still_mesh
from videostyle.inference.device import choose_device, choose_precision
from videostyle.inference.memory import budget_of, bytes_per_pixel, is_out_of_memory
from videostyle.inference.painter import TILE_PIXELS, FramePainter
from videostyle.inference.program import FrameInputs
from videostyle.inference.shot_measurement import ShotMeasurement
from videostyle.inference.tiling import frame_margins
from videostyle.network.folding import expand, fold
from videostyle.network.statistics import KeyframeSegment, Statistics, between, steps_of
from videostyle.resources import usable_cores
from videostyle.styles.card import Arrays, Style, has_canvas

log = logging.getLogger("videostyle")

MeshOf = Callable[[int], CanvasMesh]
OUTPUTS = ("rgb24", "i420")
BATCH_PIXELS = 4 * 640 * 368  # pixels in a batch on a CPU: enough to fill the cores, few enough to stay in cache
ACCELERATOR_BATCH_PIXELS = 16 * 1280 * 720


class StyleProcessor:
    """Paints frames with a style.

    Statistics come from ``use_shots``; without them those of the first batch that arrives are measured, on up to
    four of its frames, and kept.

    Args:
        style: what to paint with, at its strength already (``styles.resolve``).
        precision: one of ``PRECISIONS``.
        batch_size: frames computed at once; None chooses by frame size.
        device: as in ``choose_device``.
        output: "rgb24", or "i420" (BT.601 or BT.709 and range as the video says; even sizes only, else RGB).
        tile: largest tile in pixels; None chooses.
        batch_pixels: pixels that a chosen batch may have over all workers; None = what suits such a device.
        canvas: how much is painted where the scene shows nothing, and the seed.
        always_canvas: give the network a canvas (of zeros) where there is none to paint on. Then a change of canvas
            or style never needs another compiled program.

    Raises:
        UsageError: if there is no such precision or output, or no such batch size.
        DeviceError: if there is no such device.
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
        canvas: CanvasSettings | None = None,
        always_canvas: bool = False,
    ) -> None:
        if output not in OUTPUTS:
            raise UsageError(f"no output format '{output}'", hint=f"use one of {', '.join(OUTPUTS)}")
        if batch_size is not None and not 1 <= batch_size <= 1024:
            raise UsageError(f"cannot paint {batch_size} frames at once", hint="give 1 to 1024")
        self.style = style
        self.device = choose_device(device)
        self.precision = choose_precision(precision, self.device)
        self.warnings: list[str] = []
        self._chosen_batch, self._batch = batch_size, batch_size or 1
        self._tile = tile
        self._batch_pixels = batch_pixels or (ACCELERATOR_BATCH_PIXELS if "GPU" in self.device else BATCH_PIXELS)
        self._output = output
        self._painter: FramePainter | None = None
        self.canvas = canvas or CanvasSettings()
        self._mesh_of: MeshOf | None = None
        self._always_canvas = always_canvas
        # The canvas sampled last, and what it was sampled by.
        self._canvas: tuple[CanvasMesh, CanvasSettings, Float32Array] | None = None
        self._measurement = self._new_measurement()
        self._segments: list[KeyframeSegment] = []
        self._steps: dict[int, int] = {}  # of the ramp after a segment
        self._kernels: Arrays = {}
        self._weights: dict[tuple[int, float], dict[str, Any]] = {}
        # Where TensorFlow computes each operation on one thread, batches are computed side by side instead: no
        # core waits for another at the end of each layer, which matters most while the encoder takes its share.
        one_thread = "CPU" in self.device and tf.config.threading.get_intra_op_parallelism_threads() == 1
        self._workers = usable_cores() if one_thread else 1
        self._budget = budget_of(self.device)
        self._calls = 1  # of these workers, as many as fit into memory together
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="paint")

    # -- the processor protocol ------------------------------------------------------------------------------

    def open(self, info: VideoInfo) -> VideoInfo:
        """Prepares for frames of this size; the delivered ones have the same.

        What was compiled is kept for a video of the same size and colours.
        """
        size = info.height, info.width
        planes = info.color if self._output == "i420" and info.width % 2 == 0 and info.height % 2 == 0 else None
        if self._painter is None or (self._painter.size, self._painter.planes) != (size, planes):
            self._batch = self.frames_of_call(info)
            self._painter = self._painter_for(size, planes, self._tile)
            self._fit_into_memory(self._painter)
        return info

    def _fit_into_memory(self, painter: FramePainter) -> None:
        """Chooses calls side by side, and less than was asked for at a time where memory is known to be short."""
        self._calls = 1
        while self._tile is None and painter.bytes_of_call(self._batch) > self._budget.total:
            if not self._halve("is short"):
                break
            painter = self._opened()
        self._calls = self._budget.calls(painter.bytes_of_call(self._batch), self._workers)

    def _painter_for(self, size: tuple[int, int], planes: ColorInfo | None, tile: int | None) -> FramePainter:
        return FramePainter(
            self.style.architecture, size, device=self.device, precision=self.precision, planes=planes, tile=tile
        )

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Paints one batch. Its frames may belong to several shots.

        Raises:
            ModelError: if the network gave a value that is not finite.
            DeviceError: if even one tile of one frame does not fit.
        """
        painter = self._opened()
        if batch.frames.shape[1:3] != painter.size:
            raise ValueError(f"frames of {batch.frames.shape[1:3]} after open() with {painter.size}")
        if not self._segments:
            self.use_shots([KeyframeSegment(0, self.statistics_of(batch.frames[evenly_spread(len(batch), 4)]))])
        places = [self._place_of(batch.index + number) for number in range(len(batch))]
        # Frames come in order: weights of places that are left behind will not be needed again.
        self._weights = {place: self._weights.get(place) or self._weights_at(*place) for place in dict.fromkeys(places)}
        frames = self._paint(FrameInputs(batch.frames, self._canvases(batch)), places)
        return FrameBatch(frames, batch.pts, batch.index, "i420" if painter.planes else "rgb24", batch.durations)

    def _opened(self) -> FramePainter:
        if self._painter is None:
            raise ValueError("open() comes first")
        return self._painter

    def close(self) -> None:
        """Forgets compiled programs and device copies of weights."""
        self._weights.clear()
        self._painter = None
        self._measurement = self._new_measurement()

    def _new_measurement(self) -> ShotMeasurement:
        return ShotMeasurement(self.style.architecture, self.device, self.canvas, always_canvas=self._always_canvas)

    # -- shots, statistics, styles ---------------------------------------------------------------------------

    def use_shots(self, segments: Sequence[KeyframeSegment]) -> None:
        """Sets which statistics hold from which frame on, in order."""
        if not segments:
            raise ValueError("at least one shot is needed")
        self._segments = sorted(segments, key=lambda segment: segment.first)
        self._steps.clear()
        self._weights.clear()

    def use_meshes(self, mesh_of: MeshOf | None) -> None:
        """Sets where the canvas lies at each frame: a function from a frame's number to its mesh.

        None, and the state before the first call, is a canvas that lies still on the screen.
        """
        self._mesh_of = mesh_of

    def use_canvas(self, canvas: CanvasSettings) -> None:
        """Changes amount and seed of the canvas between two frames; statistics are kept."""
        self.canvas = self._measurement.canvas = canvas

    def use_style(self, style: Style) -> None:
        """Changes the style between two frames, statistics kept; nothing is compiled again.

        Raises:
            ModelError: if its network has other sizes.
        """
        if style.architecture != self.style.architecture:
            raise ModelError(
                f"cannot change to '{style.card.name}'",
                "its network has other sizes",
                hint="use styles of one network size together",
            )
        self.style = style
        self._weights.clear()
        self._kernels = {}

    def statistics_of(self, frames: UInt8Array, style: Style | None = None, columns: int = 1) -> Statistics:
        """Statistics of a shot from some of its frames (``ShotMeasurement.statistics``).

        Args:
            frames: uint8 ``[K, H, W, 3]`` RGB.
            style: a style of the same network to measure for; the one painted with where None.
            columns: frames are measured in at least so many columns.
        """
        return self._measurement.statistics(frames, style or self.style, columns)

    def network_statistics(
        self, frames: UInt8Array, style: Style, *, colour: bool = False, columns: int = 1, column: int | None = None
    ) -> Statistics:
        """As ``statistics_of`` for the layers of one network (``ShotMeasurement.network_statistics``)."""
        return self._measurement.network_statistics(frames, style, colour=colour, columns=columns, column=column)

    @property
    def on_canvas(self) -> bool:
        """Whether the style paints on a canvas, and some of it is wanted."""
        return self.canvas.amount > 0 and has_canvas(self.style.weights)

    def _canvases(self, batch: FrameBatch) -> Float32Array | None:
        """The canvas of each frame of a batch, sampled for its padded size; None where the style has none."""
        if not self.on_canvas and not self._always_canvas:
            return None
        settings = self.canvas if self.on_canvas else CanvasSettings(0.0)
        height, width = batch.frames.shape[1:3]
        margins = frame_margins(height, width, self.style.architecture.stride)
        found = []
        for number in range(len(batch)):
            mesh = self._mesh_of(batch.index + number) if self._mesh_of else still_mesh(height, width)
            if self._canvas is None or self._canvas[1] != settings or not same_mesh(self._canvas[0], mesh):
                self._canvas = mesh, settings, sample_canvas(mesh, height, width, settings, margins)
            found.append(self._canvas[2])
        return np.stack(found)

    def _place_of(self, frame: int) -> tuple[int, float]:
        """The segment that a frame lies in, and how far its statistics have gone over to those of the next, 0..1."""
        number = max(0, bisect.bisect_right(self._segments, frame, key=lambda segment: segment.first) - 1)
        if number + 1 == len(self._segments):
            return number, 0.0
        segment, after = self._segments[number : number + 2]
        gone = frame - (after.first - after.ramp)
        if gone <= 0:
            return number, 0.0
        if number not in self._steps:  # the same for every frame of a ramp
            self._steps[number] = steps_of(after.ramp, segment.statistics, after.statistics)
        steps = self._steps[number]
        return number, round(gone / after.ramp * steps) / steps

    def _weights_at(self, number: int, share: float) -> dict[str, Any]:
        """The weights at a place (``_place_of``), on the device."""
        statistics = self._segments[number].statistics
        if share:
            statistics = between(statistics, self._segments[number + 1].statistics, share)
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
        frames = self.frames_of_call(info)
        pixels = frames * min(info.height * info.width, self._tile or TILE_PIXELS)
        size = pixels * bytes_per_pixel(self.style.architecture, self.precision)
        return frames * self._budget.calls(size, self._workers)

    def frames_of_call(self, info: VideoInfo) -> int:
        """Frames of one call of the compiled program, for a video of this size."""
        return self._chosen_batch or max(1, self.batch_for(info.height, info.width) // self._workers)

    @property
    def batch_size(self) -> int:
        """Frames computed at once, after ``open``."""
        return self._batch

    @property
    def workers(self) -> int:
        """Batches computed side by side."""
        return self._workers

    def _paint(self, inputs: FrameInputs, places: Sequence[tuple[int, float]]) -> UInt8Array:
        """Paints frames at their places in batches of the fixed size, which shrinks when memory runs out."""
        results: list[UInt8Array] = []
        at = 0
        while at < inputs.frame_count:
            calls: list[tuple[FrameInputs, int, dict[str, Any]]] = []
            end = at
            while end < inputs.frame_count and len(calls) < self._calls:
                first = end
                while end < min(inputs.frame_count, first + self._batch) and places[end] == places[first]:
                    end += 1
                # In a ramp every frame may have weights of its own.
                filled = 1 if end - first == 1 else self._batch
                calls.append((inputs.between(first, end), filled, self._weights[places[first]]))
            try:
                done = list(self._pool.map(lambda call: self._paint_filled(*call), calls))
            except (tf.errors.OpError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if not self._halve("ran out"):
                    h, w = self._opened().size
                    raise DeviceError(
                        f"a frame of {w}x{h} does not fit into memory", str(error)[:200], "lower --max-size"
                    ) from error
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

    def _paint_filled(self, inputs: FrameInputs, size: int, weights: dict[str, Any]) -> tuple[UInt8Array, bool]:
        """Paints a batch filled up to ``size`` frames: for any other number the program would be compiled again."""
        painter = self._opened()
        with self._budget.reserved(painter.bytes_of_call(size)):
            painted, finite = painter(inputs.filled(size), weights)
        return painted[: inputs.frame_count], finite

    def _halve(self, what: str) -> bool:
        """Halves the calls side by side, else the frames of a call, else the tiles, and says so.

        Args:
            what: what memory does: "is short", "ran out".

        Returns:
            False where nothing is left to halve.
        """
        painter = self._opened()
        if self._calls > 1:
            self._calls //= 2
            now = f"{self._calls} batches side by side"
        elif self._batch > 1:
            self._batch //= 2
            now = f"{self._batch} frames at once"
        else:
            tile = painter.half_tile()
            if tile is None:
                return False
            self._painter = self._painter_for(painter.size, painter.planes, tile)
            now = f"in {len(self._painter.tiles)} tiles"
        self.warnings.append(f"memory {what}: painting {now} from here on")
        log.warning(self.warnings[-1])
        return True

    def seconds_of_call(self, frames: UInt8Array, rounds: int) -> dict[str, list[float]]:
        """Seconds of one call of the program on the frames of one shot (``FramePainter.seconds``).

        Args:
            frames: uint8 ``[B, H, W, 3]`` of the size given to ``open``, not tiled.
            rounds: how often to measure.
        """
        if not self._segments:
            self.use_shots([KeyframeSegment(0, self.statistics_of(frames[:1]))])
        inputs = FrameInputs(frames, self._canvases(FrameBatch(frames, np.zeros(len(frames)), 0)))
        return self._opened().seconds(inputs, self._weights_at(0, 0.0), rounds)
