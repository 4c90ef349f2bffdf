"""Measures the statistics that a shot is normalised with, in the memory that is available."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from functools import cached_property, partial
from itertools import repeat
from typing import Any

import numpy as np
from keras import ops

from videostyle.errors import DeviceError
from videostyle.frames import UInt8Array
from videostyle.inference.backends.current import backend
from videostyle.inference.canvas_sampling import CanvasSettings, still_canvas
from videostyle.inference.memory import budget_of, bytes_per_pixel, is_out_of_memory, scaling_bytes
from videostyle.inference.painter import TILE_PIXELS
from videostyle.inference.program import symmetric_pad
from videostyle.inference.shared_programs import Program, shared
from videostyle.inference.stroke_scaling import stroke_scaling
from videostyle.media.opencv import load_cv2
from videostyle.network import statistics as shot_statistics
from videostyle.network.architecture import Architecture, padded_size
from videostyle.network.folding import measure
from videostyle.network.statistics import Statistics, contrast, pooled, reference_weight
from videostyle.styles.card import Arrays, Style, has_canvas
from videostyle.styles.gallery import ordinary_picture

MOST_COLUMNS = 64  # into which a frame is cut when memory is short


@shared
def measuring_program(
    architecture: Architecture, device: str, size: tuple[int, int], colour: bool, at_once: bool
) -> Program:
    """The program that measures pieces of one size (height, width), with or without a reference or painted colours.

    With ``at_once`` it is not compiled.
    """

    def picture(piece: Any) -> Any:
        return symmetric_pad(ops.cast(piece[None], "float32") / 255.0, *padded_size(*size, architecture.stride))

    def statistics(weights: Any, piece: Any, canvas: Any, reference: Any, weight: Any) -> Any:
        other = None if reference is None else picture(reference)
        if canvas is not None and reference is not None:
            canvas = ops.repeat(canvas, 2, axis=0)
        return measure(architecture, weights, picture(piece), colour, other, weight, canvas)

    return statistics if at_once else backend().compiled(statistics)


class ShotMeasurement:
    """Measures shots for styles of one architecture. Several threads may call it at once.

    Args:
        architecture: of the styles.
        device: its name, as from ``choose_device``.
        canvas: amount and seed of the canvas that shots are painted on.
        always_canvas: give the network a canvas of zeros where it paints without one. Then no change of canvas or style
            compiles another program.
        stroke_size: as in ``stroke_scaling``; frames are measured at their painted size.

    Attributes:
        canvas: as given; may be changed between measurements.
        at_once: measure without compiling, which is quicker where a size is measured once. A ``StyleProcessor`` that
            is opened after that paints so, too.
    """

    def __init__(
        self,
        architecture: Architecture,
        device: str,
        canvas: CanvasSettings | None = None,
        *,
        always_canvas: bool = False,
        stroke_size: float | None = 1.0,
    ) -> None:
        self._device, self._architecture = device, architecture
        self.canvas = canvas or CanvasSettings()
        self.at_once = False
        self._always_canvas, self._stroke_size = always_canvas, stroke_size
        self._budget, self._bytes_per_pixel = budget_of(device), bytes_per_pixel(architecture, "float32")
        self._one_at_a_time = threading.Lock()  # held by the thread that measures when memory is short
        # The reference picture, at the size that was measured last.
        self._resized: UInt8Array = np.empty((0, 0, 3), np.uint8)

    def statistics(
        self,
        frames: UInt8Array,
        style: Style,
        columns: int = 1,
        amount: float | None = None,
        of_end: Callable[[Style], Statistics] | None = None,
    ) -> Statistics:
        """Statistics of a shot from some of its frames.

        A scene of little contrast is measured together with a reference picture (``network.statistics``).

        For an interpolated style the painted colours are measured too, as a layer "out", and so are those of its ends.
        The layer "line" is interpolated between the ends' colours; painting is corrected to it (``fold``).

        Args:
            frames: uint8 ``[K, H, W, 3]`` RGB.
            style: a style of the network to measure for.
            columns: smallest number of columns that a frame is cut into (``network.statistics.columns``).
            amount: of the canvas, 0..1; None = that of ``canvas``.
            of_end: gives statistics of these frames, colours included, for an end of the style; None = measured here.

        Raises:
            DeviceError: if even narrow columns do not fit into memory.
        """
        if of_end is None:
            of_end = partial(self.network_statistics, frames, colour=True, columns=columns, amount=amount)
        found = self.network_statistics(frames, style, colour=bool(style.ends), columns=columns, amount=amount)
        if style.ends:
            ends = [(of_end(end)["out"], share) for end, share in style.ends]
            mean = sum(share * mean for (mean, _), share in ends)
            deviation = sum(share * np.sqrt(variance) for (_, variance), share in ends)
            found["line"] = np.asarray(mean, np.float32), np.asarray(deviation**2, np.float32)
        return found

    def network_statistics(
        self,
        frames: UInt8Array,
        style: Style,
        *,
        colour: bool = False,
        columns: int = 1,
        column: int | None = None,
        amount: float | None = None,
    ) -> Statistics:
        """As ``statistics`` for the layers of one network.

        One frame is measured at a time, and a large one in columns, so that memory stays bounded. If memory runs out
        nevertheless, the threads concerned measure one after the other, and then in more and more columns.

        Args:
            frames: as in ``statistics``.
            style: as in ``statistics``.
            colour: whether to measure the painted colours, "out", too.
            columns: as in ``statistics``.
            column: measure only this column of exactly ``columns``; None = all of them.
            amount: as in ``statistics``.

        Raises:
            DeviceError: if even narrow columns do not fit into memory.
        """
        try:
            return self._statistics(frames, style, colour, columns, column, amount)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            last: Exception = error
        with self._one_at_a_time:
            while column is None and columns <= MOST_COLUMNS:
                try:
                    return self._statistics(frames, style, colour, columns, None, amount)
                except Exception as error:
                    if not is_out_of_memory(error):
                        raise
                    last, columns = error, 2 * columns
        h, w = frames.shape[1:3]
        raise DeviceError(
            f"a frame of {w}x{h} cannot be measured", f"memory ran out: {str(last)[:200]}", "lower `max_size`"
        ) from last

    def _statistics(
        self,
        frames: UInt8Array,
        style: Style,
        colour: bool,
        columns: int,
        column: int | None,
        amount: float | None,
    ) -> Statistics:
        frames = self._at_painted_size(frames)
        h, w = frames.shape[1:3]
        if column is None:
            columns = max(columns, math.ceil(h * w / TILE_PIXELS))
        weight = reference_weight(contrast(frames), self._reference_contrast)
        references = shot_statistics.columns(self._reference_of(h, w), columns) if weight else repeat(None)
        pieces = [
            both for frame in frames for both in zip(shot_statistics.columns(frame, columns), references, strict=False)
        ]
        chosen = pieces if column is None else [pieces[column]]
        return pooled(
            [self.measure(piece, style.weights, reference, weight, colour, amount) for piece, reference in chosen]
        )

    def _at_painted_size(self, frames: UInt8Array) -> UInt8Array:
        size = frames.shape[1], frames.shape[2]
        scaling = stroke_scaling(size, self._stroke_size)
        if scaling is None:
            return frames
        with self._budget.reserved(scaling_bytes(size, scaling.painted_size)), backend().on(self._device):
            to_device, to_host = backend().to_device, backend().to_host
            return np.concatenate([to_host(scaling.scaled(to_device(frame[None]))) for frame in frames])

    @cached_property
    def _reference(self) -> UInt8Array:
        return np.ascontiguousarray(load_cv2().imread(str(ordinary_picture()))[..., ::-1])

    @cached_property
    def _reference_contrast(self) -> float:
        return contrast(self._reference[None])

    def _reference_of(self, height: int, width: int) -> UInt8Array:
        """The reference picture at the size of a frame, uint8 ``[height, width, 3]``."""
        resized = self._resized  # read once: another thread may put in another size
        if resized.shape[:2] != (height, width):
            smaller = height * width < self._reference.shape[0] * self._reference.shape[1]
            cv2 = load_cv2()
            method = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
            resized = self._resized = cv2.resize(self._reference, (width, height), interpolation=method)
        return resized

    def _canvas_of(self, height: int, width: int, amount: float | None) -> Any:
        """A canvas for a piece of a frame, ``[1, h, w, C]``; any part of the noise gives the same statistics."""
        canvas = self.canvas if amount is None else CanvasSettings(amount, self.canvas.seed)
        if not canvas.amount and not self._always_canvas:
            return None
        return backend().to_device(still_canvas(height, width, self._architecture.stride, canvas)[None])

    def measure(
        self,
        piece: UInt8Array,
        weights: Arrays,
        reference: UInt8Array | None,
        weight: float,
        colour: bool,
        amount: float | None = None,
    ) -> Statistics:
        """Statistics of one piece of a frame.

        Args:
            piece: uint8 ``[H, W, 3]``.
            weights: of the style.
            reference: a picture of the same shape to include; None = none.
            weight: weight of the reference, 0..1.
            colour: whether to measure the painted colours too.
            amount: as in ``statistics``.

        Raises:
            Exception: of any kind, if memory ran out (``is_out_of_memory``).
        """
        pictures = 1 if reference is None else 2
        size = pictures * self._bytes_per_pixel * piece.shape[0] * piece.shape[1]
        with self._budget.reserved(size), backend().on(self._device):
            to_device, to_host = backend().to_device, backend().to_host
            arrays = {name: to_device(value) for name, value in weights.items()}
            other = None if reference is None else to_device(reference)
            on_canvas = self._always_canvas or has_canvas(weights)
            canvas = self._canvas_of(piece.shape[0], piece.shape[1], amount) if on_canvas else None
            program = measuring_program(self._architecture, self._device, piece.shape[:2], colour, self.at_once)
            found = program(arrays, to_device(piece), canvas, other, to_device(np.array(weight, np.float32)))
            return {layer: (to_host(mean), to_host(variance)) for layer, (mean, variance) in found.items()}
