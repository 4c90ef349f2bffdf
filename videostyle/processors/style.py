"""The style processor: paints batches of frames with a style, in the memory that is available.

It distributes the frames of a batch over calls of the device program (``inference``). Where memory is short it reduces
the number of calls side by side, then the frames in a call, then the size of tiles.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videostyle.errors import ModelError, UsageError
from videostyle.frames import (
    PIXEL_FORMATS,
    AnyArray,
    ColorInfo,
    Float32Array,
    FrameBatch,
    UInt8Array,
    VideoInfo,
    evenly_spread,
    to_bytes,
    to_words,
)
from videostyle.inference.backends.current import backend
from videostyle.inference.batch_size import frames_fitting, usual_pixels
from videostyle.inference.canvas_sampling import CanvasSettings
from videostyle.inference.device import choose_device, choose_precision
from videostyle.inference.frame_canvases import FrameCanvases, MeshOf
from videostyle.inference.memory import budget_of, bytes_per_pixel, does_not_fit, is_out_of_memory, scaling_bytes
from videostyle.inference.mixed_weights import MixedWeights
from videostyle.inference.painter import FramePainter, best_tile
from videostyle.inference.program import FrameInputs
from videostyle.inference.shot_measurement import ShotMeasurement
from videostyle.inference.shot_weights import FoldedWeights, ShotWeights
from videostyle.inference.stroke_size import check_stroke_size, painted_size
from videostyle.network.statistics import KeyframeSegment, Statistics
from videostyle.resources import usable_cores
from videostyle.styles.card import Style, has_canvas

log = logging.getLogger("videostyle")

OUTPUTS = tuple(PIXEL_FORMATS)
DEEP = ("rgb48", "i420p10")  # outputs of more than 8 bits
IN_FLIGHT = 3  # batches on an accelerator: one is copied up, one is painted, one is copied down


class StyleProcessor:
    """Paints frames with a style.

    Statistics come from ``use_shots``. Without it, they are measured on up to four frames of the first batch, and kept.

    Args:
        style: the style, already at the wanted strength (``styles.resolve``).
        precision: one of ``PRECISIONS``.
        batch_size: frames in one call of the program; None = chosen by the frame size.
        device: as in ``choose_device``.
        output: pixel format of painted frames, one of ``PIXEL_FORMATS``. Planes have the matrix (BT.601 or BT.709) and
            range of the video; frames of odd size are always RGB. Frames of more than 8 bits that are painted to 8 are
            dithered.
        tile: largest number of pixels in a tile; None = chosen by the available memory.
        batch_pixels: pixels in a batch, over all calls side by side, where ``batch_size`` is None; None = the usual
            number for the device.
        canvas: amount and seed of the canvas.
        always_canvas: give the network a canvas of zeros where it paints without one: no change compiles it again.
        stroke_size: how large strokes are, 1 = as trained; None = usual for the frames (``inference.stroke_size``).

    Attributes:
        device: the name of the device, as from ``choose_device``.
        precision: of the computation (``network.precision``).
        canvas: as given.
        in_flight: batches that may be begun before the first is fetched (``processors.protocol.in_flight``).
        warnings: messages for the user, one sentence each, about lack of memory.
        layers: processors of other styles that paint regions over what this one paints; closed with it.

    Raises:
        UsageError: if precision, output, batch size or stroke size are not possible.
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
        stroke_size: float | None = 1.0,
    ) -> None:
        check_stroke_size(stroke_size)
        if output not in OUTPUTS:
            raise UsageError(f"no output format '{output}'", hint=f"use one of {', '.join(OUTPUTS)}")
        if batch_size is not None and not 1 <= batch_size <= 1024:
            raise UsageError(f"cannot paint {batch_size} frames at once", hint="give 1 to 1024")
        self.device = choose_device(device)
        self.precision = choose_precision(precision, self.device, deep=output in DEEP)
        self.canvas = canvas or CanvasSettings()
        self.warnings: list[str] = []
        self.layers: list[StyleProcessor] = []
        self._output, self._batch_size, self._tile = output, batch_size, tile
        self._batch_pixels = batch_pixels or usual_pixels(self.device)
        self._weights = ShotWeights(style, self.device, self.precision)
        self._always_canvas, self._stroke_size = always_canvas, stroke_size
        self._measurement = self._new_measurement()
        # Where style and canvas change along the clip: weights, and amounts of the canvas, of each frame.
        self._mix: MixedWeights | None = None
        self._amounts: Float32Array | None = None
        # Where each operation is computed on one thread, calls run side by side: no core waits for another.
        one_thread = "CPU" in self.device and backend().one_thread_each()
        self._workers = usable_cores() if one_thread else 1
        self.in_flight = IN_FLIGHT if "GPU" in self.device else 1
        self._budget = budget_of(self.device)
        # Set by ``open``: the compiled program, frames in a call of it, calls side by side.
        self._painter: FramePainter | None = None
        self._frames, self._calls = 1, 1
        self._pool = ThreadPoolExecutor(max(self._workers, self.in_flight), thread_name_prefix="paint")
        self._sampling = FrameCanvases(style.architecture.stride, self._pool)

    @property
    def style(self) -> Style:
        """The style that is painted with."""
        return self._weights.style

    @property
    def output(self) -> str:
        """Pixel format of painted frames, as given."""
        return self._output

    @property
    def workers(self) -> int:
        """Largest number of calls side by side, if memory allows."""
        return self._workers

    @property
    def batch_size(self) -> int:
        """Frames in one call, after ``open``."""
        return self._frames

    def open(self, info: VideoInfo) -> VideoInfo:
        """Prepares for frames of this size; painted frames have the same size.

        A compiled program is reused for a video of the same size and colours.
        """
        size = info.height, info.width
        even = info.width % 2 == 0 and info.height % 2 == 0
        planes = info.color if self._output.startswith("i420") and even else None
        if self._painter is None or (self._painter.size, self._painter.planes) != (size, planes):
            self._sampling.forget()
            self._frames, self._calls = self.frames_per_call(info), 1
            self._painter = self._painter_for(size, planes, self._tile_for(info))
            while self._tile is None and self._bytes_of_call() > self._budget.total and self._halve("is short"):
                pass
            self._calls = self._budget.calls(self._bytes_of_call(), self._workers)
        self._painter.at_once = self._measurement.at_once
        return info

    def _painter_for(self, size: tuple[int, int], planes: ColorInfo | None, tile: int | None) -> FramePainter:
        return FramePainter(
            self.style.architecture,
            size,
            device=self.device,
            precision=self.precision,
            planes=planes,
            deep=self._output in DEEP,
            tile=tile,
            stroke_size=self._stroke_size,
        )

    @property
    def _opened(self) -> FramePainter:
        if self._painter is None:
            raise ValueError("open() must be called first")
        return self._painter

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Paints one batch. Its frames may belong to several shots.

        Raises:
            ModelError: if the network gave a value that is not finite.
            DeviceError: if even one tile of one frame does not fit into memory.
        """
        return self.begin(batch)()

    def begin(self, batch: FrameBatch) -> Callable[[], FrameBatch]:
        """Begins to paint a batch; returns a function that waits for the painted batch, and raises as a call does."""
        painter = self._opened
        if batch.frames.shape[1:3] != painter.size:
            raise ValueError(f"frames of {batch.frames.shape[1:3]} after open() with {painter.size}")
        if not self.shots and self._mix is None:
            self.use_shots(
                [KeyframeSegment(0, self.statistics_of(to_bytes(batch.frames[evenly_spread(len(batch), 4)])))]
            )
        inputs = FrameInputs(batch.frames, self._canvases(batch.index, len(batch)))
        weights, numbers = self._mix or self._weights, range(batch.index, batch.index + len(batch))
        # Which frames are painted together depends on the clip alone: other numbers of them may be rounded otherwise.
        alone = [weights.alone(number) for number in numbers]
        painting = self._begin(inputs, weights.of_frames(batch.index, len(batch)), alone)

        def painted() -> FrameBatch:
            frames = painting()
            words = frames.dtype == np.uint16
            pixels = ("i420p10" if words else "i420") if painter.planes else ("rgb48" if words else "rgb24")
            alpha = batch.alpha if batch.alpha is None else (to_words if words else to_bytes)(batch.alpha)
            return FrameBatch(frames, batch.pts, batch.index, pixels, None if painter.planes else alpha)

        return painted

    def close(self) -> None:
        """Frees the compiled programs and the weights on the device."""
        for layer in self.layers:
            layer.close()
        self._painter = None
        self._weights.clear()
        if self._mix is not None:
            self._mix.clear()
        self._measurement = self._new_measurement()

    def _new_measurement(self) -> ShotMeasurement:
        always, architecture = self._always_canvas, self.style.architecture
        made = partial(ShotMeasurement, architecture, self.device, self.canvas, stroke_size=self._stroke_size)
        return made(always_canvas=always)

    @property
    def shots(self) -> tuple[KeyframeSegment, ...]:
        """The statistics in use, in order of their first frames; none before ``use_shots`` or the first batch."""
        return self._weights.segments

    def use_shots(self, segments: Sequence[KeyframeSegment]) -> None:
        """Sets the statistics to use."""
        self._weights.use_segments(segments)

    def use_style(self, style: Style) -> None:
        """Changes the style between two frames; the statistics stay, and nothing is compiled.

        Raises:
            ModelError: if its network has other sizes.
        """
        self._weights.use_style(style)

    def use_meshes(self, mesh_of: MeshOf | None) -> None:
        """Sets the position of the canvas at each frame.

        Args:
            mesh_of: maps the number of a frame to its mesh; None = the canvas is fixed to the screen, as it is before
                the first call.
        """
        self._sampling.mesh_of = mesh_of

    def use_mix(
        self,
        nodes: Sequence[tuple[Style, Sequence[KeyframeSegment]]] | None,
        places: NDArray[np.integer[Any]] | None = None,
        shares: Float32Array | None = None,
        amounts: Float32Array | None = None,
    ) -> None:
        """Makes the style, and the amount of canvas, change along the clip.

        Args:
            nodes: styles with their statistics, each of the network that this processor was made for; None = one style
                throughout, as before the first call.
            places: int ``[F, K]``: for each frame of the clip, the nodes that it is mixed of.
            shares: float32 ``[F, K]``: their shares, which sum to 1.
            amounts: float32 ``[F]``: amount of the canvas, 0..1.
        """
        self._mix, self._amounts = None, None
        if nodes is None or places is None or shares is None:
            return
        weights = []
        for style, segments in nodes:
            weights.append(ShotWeights(style, self.device, "float32"))
            weights[-1].use_segments(segments)
        self._mix = MixedWeights(weights, places, shares, self.device, self.precision)
        if amounts is not None and amounts.any() and any(has_canvas(style.weights) for style, _ in nodes):
            self._amounts = amounts

    def use_canvas(self, canvas: CanvasSettings) -> None:
        """Changes amount and seed of the canvas between two frames; the statistics stay."""
        self.canvas = self._measurement.canvas = canvas

    def statistics_of(
        self, frames: UInt8Array, style: Style | None = None, columns: int = 1, amount: float | None = None
    ) -> Statistics:
        """Statistics of a shot from some of its frames (``ShotMeasurement.statistics``).

        Args:
            frames: uint8 ``[K, H, W, 3]`` RGB.
            style: a style of the same architecture to measure for; None = the one that is painted with.
            columns: smallest number of columns that a frame is cut into.
            amount: of the canvas to measure with, 0..1; None = that of ``canvas``.
        """
        return self._measurement.statistics(frames, style or self.style, columns, amount)

    @property
    def measurement(self) -> ShotMeasurement:
        """Measures shots, for styles of the same architecture."""
        return self._measurement

    @property
    def on_canvas(self) -> bool:
        """Whether the style paints on a canvas, and the amount is above 0."""
        if self._mix is not None:
            return self._amounts is not None
        return self.canvas.amount > 0 and has_canvas(self.style.weights)

    def _canvases(self, first: int, count: int) -> Float32Array | None:
        """The canvases of ``count`` frames from number ``first`` on, sampled for their padded painted size.

        Returns:
            ``FrameInputs.canvas``; None where nothing is painted on the canvas, unless the network always gets one.
        """
        if not self.on_canvas and not self._always_canvas:
            return None
        settings = self.canvas if self.on_canvas else CanvasSettings(0.0)
        if self._amounts is not None:
            settings = CanvasSettings(1.0, self.canvas.seed)
        return self._sampling.of_frames(first, count, self._opened.painted_size, settings, self._amounts)

    def frames_per_call(self, info: VideoInfo) -> int:
        """Frames in one call of the program for a video of this size, if memory is not short.

        Without a ``batch_size``, a batch is a power of two of frames, which are divided among the calls side by side.
        """
        if self._batch_size:
            return self._batch_size
        fitting = frames_fitting(self._batch_pixels, (info.height, info.width), self._stroke_size)
        return max(1, fitting // self._workers)

    def frames_per_batch(self, info: VideoInfo) -> int:
        """The best size of a batch for a video of this size: the frames of all calls side by side."""
        frames = self.frames_per_call(info)
        painted = painted_size(info.height, info.width, self._stroke_size)
        pixels = min(painted[0] * painted[1], self._tile_for(info))
        size = pixels * bytes_per_pixel(self.style.architecture, self.precision)
        size += scaling_bytes((info.height, info.width), painted)
        return frames * self._budget.calls(frames * size, self._workers)

    def _tile_for(self, info: VideoInfo) -> int:
        size, frames = painted_size(info.height, info.width, self._stroke_size), self.frames_per_call(info)
        network = self.style.architecture, self.precision
        return self._tile or best_tile(*network, size, frames, self._budget, self._workers)

    def _begin(
        self, inputs: FrameInputs, weights: Sequence[FoldedWeights], alone: Sequence[bool]
    ) -> Callable[[], AnyArray]:
        """Begins to paint frames, each with its weights; where memory runs out, they are painted with less at a time.

        Returns:
            A function that waits for all of them.
        """
        begun = self._begin_calls(inputs, weights, alone, 0)

        def finish() -> AnyArray:
            results: list[AnyArray] = []
            painted, calls = 0, begun
            while calls:
                try:
                    done = [call.result() for call in calls]
                except Exception as error:
                    wait(calls)
                    if not is_out_of_memory(error):
                        raise
                    if not self._halve("ran out"):
                        raise does_not_fit(self._opened.size, error) from error
                    done = []
                for frames, finite in done:
                    if not finite:
                        raise ModelError(
                            f"the style '{self.style.card.name}' painted values that are not finite",
                            hint="the style file is damaged, or the `precision` float32 is needed",
                        )
                    results.append(frames)
                    painted += len(frames)
                calls = self._begin_calls(inputs, weights, alone, painted)
            # Some backends give arrays that nobody may write to.
            return results[0] if len(results) == 1 and results[0].flags.writeable else np.concatenate(results)

        return finish

    def _begin_calls(
        self, inputs: FrameInputs, weights: Sequence[FoldedWeights], alone: Sequence[bool], end: int
    ) -> list[Future[tuple[AnyArray, bool]]]:
        """Begins as many calls as may run side by side, from frame ``end`` of the inputs on; none if it is the last."""
        calls: list[Future[tuple[AnyArray, bool]]] = []
        while end < inputs.frame_count and len(calls) < self._calls:
            first = end
            while end < min(inputs.frame_count, first + self._frames) and weights[end] is weights[first]:
                end += 1
            size = 1 if alone[first] else self._frames
            calls.append(self._pool.submit(self._paint_filled, inputs.between(first, end), size, weights[first]))
        return calls

    def _paint_filled(self, inputs: FrameInputs, size: int, weights: FoldedWeights) -> tuple[AnyArray, bool]:
        """Paints frames in a call that is filled up to ``size`` frames, as another number needs another program."""
        painter = self._opened
        with self._budget.reserved(painter.bytes_of_call(size)):
            painted, finite = painter(inputs.filled(size), weights)
        return painted[: inputs.frame_count], finite

    def _bytes_of_call(self) -> float:
        return self._opened.bytes_of_call(self._frames)

    def _halve(self, what: str) -> bool:
        """Halves the calls side by side, or else the frames in a call, or else the tiles, and warns.

        Args:
            what: what happened to memory, for the warning: "is short" or "ran out".

        Returns:
            False if nothing is left to halve.
        """
        painter = self._opened
        if self._calls > 1:
            self._calls //= 2
            now = f"{self._calls} batches side by side"
        elif self._frames > 1:
            self._frames //= 2
            now = f"{self._frames} frames at once"
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
        """Measures one call of the program on frames of one shot (``FramePainter.seconds``).

        Args:
            frames: uint8 ``[B, H, W, 3]`` of the size given to ``open``, not tiled.
            rounds: number of measurements.
        """
        if not self.shots:
            self.use_shots([KeyframeSegment(0, self.statistics_of(frames[:1]))])
        inputs = FrameInputs(frames, self._canvases(0, len(frames)))
        return self._opened.seconds(inputs, self._weights.of_frames(0, 1)[0], rounds)
