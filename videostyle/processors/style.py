"""The style processor: paints each frame of a batch with the weights of its style and shot, and on its canvas.

How a batch is divided into calls of the device program is ``inference.batch_painter``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videostyle.errors import ModelError, UsageError
from videostyle.frames import (
    PIXEL_FORMATS,
    AnyArray,
    Float32Array,
    FrameBatch,
    UInt8Array,
    VideoInfo,
    evenly_spread,
    to_bytes,
    to_words,
)
from videostyle.inference.batch_painter import DEEP, BatchPainter
from videostyle.inference.canvas_sampling import CanvasSettings
from videostyle.inference.device import choose_device, choose_precision
from videostyle.inference.frame_canvases import FrameCanvases, MeshOf, OffsetsAt
from videostyle.inference.mixed_weights import MixedWeights
from videostyle.inference.program import FrameInputs
from videostyle.inference.shot_measurement import ShotMeasurement
from videostyle.inference.shot_weights import ShotWeights
from videostyle.inference.stroke_size import check_stroke_size
from videostyle.network.statistics import KeyframeSegment, Statistics
from videostyle.styles.card import Style, has_canvas

OUTPUTS = tuple(PIXEL_FORMATS)


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
        self.layers: list[StyleProcessor] = []
        self._output = output
        self._weights = ShotWeights(style, self.device, self.precision)
        self._always_canvas, self._stroke_size = always_canvas, stroke_size
        self._measurement = self._new_measurement()
        # Where style and canvas change along the clip: weights, and amounts of the canvas, of each frame.
        self._mix: MixedWeights | None = None
        self._amounts: Float32Array | None = None
        self._batches = BatchPainter(
            style.architecture,
            device=self.device,
            precision=self.precision,
            output=output,
            batch_size=batch_size,
            tile=tile,
            batch_pixels=batch_pixels,
            stroke_size=stroke_size,
        )
        self._sampling = FrameCanvases(style.architecture.stride, self._batches.pool)

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
        return self._batches.workers

    @property
    def batch_size(self) -> int:
        """Frames in one call, after ``open``."""
        return self._batches.frames

    @property
    def in_flight(self) -> int:
        """Batches that may be begun before the first is fetched (``processors.protocol.in_flight``)."""
        return self._batches.in_flight

    @property
    def warnings(self) -> list[str]:
        """Messages for the user, one sentence each, about lack of memory."""
        return self._batches.warnings

    def frames_per_call(self, info: VideoInfo) -> int:
        """Frames in one call of the program for a video of this size (``BatchPainter.frames_per_call``)."""
        return self._batches.frames_per_call(info)

    def frames_per_batch(self, info: VideoInfo) -> int:
        """The best size of a batch for a video of this size: the frames of all calls side by side."""
        return self._batches.frames_per_batch(info)

    def open(self, info: VideoInfo) -> VideoInfo:
        """Prepares for frames of this size; painted frames have the same size.

        A compiled program is reused for a video of the same size and colours.
        """
        if self._batches.open(info):
            self._sampling.forget()
        self._batches.painter.at_once = self._measurement.at_once
        return info

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Paints one batch. Its frames may belong to several shots.

        Raises:
            ModelError: if the network gave a value that is not finite.
            DeviceError: if even one tile of one frame does not fit into memory.
        """
        return self.begin(batch)()

    def begin(self, batch: FrameBatch) -> Callable[[], FrameBatch]:
        """Begins to paint a batch; returns a function that waits for the painted batch, and raises as a call does."""
        painter = self._batches.painter
        if batch.frames.shape[1:3] != painter.size:
            raise ValueError(f"frames of {batch.frames.shape[1:3]} after open() with {painter.size}")
        if not self.shots and self._mix is None:
            self.use_shots(
                [KeyframeSegment(0, self.statistics_of(to_bytes(batch.frames[evenly_spread(len(batch), 4)])))]
            )
        inputs = self._inputs(batch.frames, batch.index)
        weights, numbers = self._mix or self._weights, range(batch.index, batch.index + len(batch))
        # Which frames are painted together depends on the clip alone: other numbers of them may be rounded otherwise.
        alone = [weights.alone(number) for number in numbers]
        painting = self._batches.begin(inputs, weights.of_frames(batch.index, len(batch)), alone)

        def painted() -> FrameBatch:
            frames, finite = painting()
            if not finite:
                raise ModelError(
                    f"the style '{self.style.card.name}' painted values that are not finite",
                    hint="the style file is damaged, or the `precision` float32 is needed",
                )
            words = frames.dtype == np.uint16
            pixels = ("i420p10" if words else "i420") if painter.planes else ("rgb48" if words else "rgb24")
            alpha = batch.alpha if batch.alpha is None else (to_words if words else to_bytes)(batch.alpha)
            return FrameBatch(frames, batch.pts, batch.index, pixels, None if painter.planes else alpha)

        return painted

    def close(self) -> None:
        """Frees the compiled programs and the weights on the device."""
        for layer in self.layers:
            layer.close()
        self._batches.close()
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

    def use_meshes(self, mesh_of: MeshOf | None, offsets_at: OffsetsAt | None = None) -> None:
        """Sets the position of the canvas, and of the network's grid, at each frame.

        Args:
            mesh_of: maps the number of a frame to its mesh; None = the canvas is fixed to the screen, as it is before
                the first call.
            offsets_at: maps the painted height to where each frame lies on the grid (``motion.grid_offsets``); None =
                the grid is fixed to the screen.
        """
        self._sampling.use(mesh_of, offsets_at)

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

    def _inputs(self, frames: AnyArray, first: int) -> FrameInputs:
        """Inputs of the program for frames from number ``first`` on.

        They have a canvas where something is painted on it, or if the network always gets one.
        """
        if not self.on_canvas and not self._always_canvas:
            return FrameInputs(frames)
        settings = self.canvas if self.on_canvas else CanvasSettings(0.0)
        if self._amounts is not None:
            settings = CanvasSettings(1.0, self.canvas.seed)
        return self._sampling.inputs(frames, first, self._batches.painter.painted_size, settings, self._amounts)

    def seconds_of_call(self, frames: UInt8Array, rounds: int) -> dict[str, list[float]]:
        """Measures one call of the program on frames of one shot (``FramePainter.seconds``).

        Args:
            frames: uint8 ``[B, H, W, 3]`` of the size given to ``open``, not tiled.
            rounds: number of measurements.
        """
        if not self.shots:
            self.use_shots([KeyframeSegment(0, self.statistics_of(frames[:1]))])
        inputs = self._inputs(frames, 0)
        return self._batches.painter.seconds(inputs, self._weights.of_frames(0, 1)[0], rounds)
