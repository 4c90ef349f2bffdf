"""Measures the statistics that a shot is normalised with, within the memory there is."""

from __future__ import annotations

import math
import threading
from functools import cached_property
from itertools import repeat
from typing import Any

import numpy as np
import tensorflow as tf

from videostyle.errors import DeviceError
from videostyle.frames import UInt8Array
from videostyle.inference.canvas_sampling import CanvasSettings, still_canvas
from videostyle.inference.memory import budget_of, bytes_per_pixel, is_out_of_memory
from videostyle.inference.painter import TILE_PIXELS
from videostyle.inference.program import symmetric_pad
from videostyle.network import statistics as shot_statistics
from videostyle.network.architecture import Architecture, padded_size
from videostyle.network.folding import measure
from videostyle.network.statistics import Statistics, contrast, pooled, share_beside
from videostyle.styles.card import Arrays, Style, has_canvas
from videostyle.styles.gallery import ordinary_picture

MOST_COLUMNS = 64  # that a frame is cut into when memory is short


class ShotMeasurement:
    """Measures shots for styles of one network. It may be called by several threads at once.

    Args:
        architecture: of the network.
        device: TensorFlow's name.
        canvas: what shots are painted on.
        always_canvas: give the network a canvas (of zeros) where there is none to paint on. Then a change of canvas
            or style never needs another compiled program.

    Attributes:
        canvas: what shots are painted on; may be changed between measurements.
    """

    def __init__(
        self,
        architecture: Architecture,
        device: str,
        canvas: CanvasSettings | None = None,
        *,
        always_canvas: bool = False,
    ) -> None:
        self._device = device
        self._stride = architecture.stride
        self.canvas = canvas or CanvasSettings()
        self._always_canvas = always_canvas
        self._budget, self._bytes_per_pixel = budget_of(device), bytes_per_pixel(architecture, "float32")
        self._one_at_a_time = threading.Lock()  # held by those who measure when memory is short
        # The reference picture at the size last measured.
        self._resized: UInt8Array = np.empty((0, 0, 3), np.uint8)

        def picture(piece: Any) -> Any:
            size = padded_size(piece.shape[0], piece.shape[1], architecture.stride)
            return symmetric_pad(tf.cast(piece[None], tf.float32) / 255.0, *size)

        def statistics(weights: Any, piece: Any, canvas: Any, reference: Any, share: Any, colour: bool) -> Any:
            other = None if reference is None else picture(reference)
            if canvas is not None and reference is not None:
                canvas = tf.repeat(canvas, 2, axis=0)
            return measure(architecture, weights, picture(piece), colour, other, share, canvas)

        # Traced once for each size, with and without a reference and colours; tracing is locked by TensorFlow.
        self._program = tf.function(statistics, autograph=False)

    def statistics(self, frames: UInt8Array, style: Style, columns: int = 1) -> Statistics:
        """Statistics of a shot from some of its frames.

        A scene of little contrast is measured beside a reference picture (``network.statistics``).

        Of a style between others the painted colours are measured too, as "out", and those of its ends: "line" is
        the mean and the contrast on the straight line between them, which painting keeps to (``fold``).

        Args:
            frames: uint8 ``[K, H, W, 3]`` RGB.
            style: a style of the network to measure for.
            columns: frames are measured in at least so many columns (``network.statistics.columns``).

        Raises:
            DeviceError: if even narrow columns do not fit into memory.
        """
        found = self.network_statistics(frames, style, colour=bool(style.ends), columns=columns)
        if style.ends:
            ends = [
                (self.network_statistics(frames, end, colour=True, columns=columns)["out"], share)
                for end, share in style.ends
            ]
            mean = sum(share * mean for (mean, _), share in ends)
            deviation = sum(share * np.sqrt(variance) for (_, variance), share in ends)
            found["line"] = np.asarray(mean, np.float32), np.asarray(deviation**2, np.float32)
        return found

    def network_statistics(
        self, frames: UInt8Array, style: Style, *, colour: bool = False, columns: int = 1, column: int | None = None
    ) -> Statistics:
        """As ``statistics`` for the layers of one network.

        One frame is measured at a time, and a large one in columns, so that memory stays bounded. Where memory runs
        out all the same, the threads that met that measure one after the other, in more columns if that alone does
        not help.

        Args:
            frames: as in ``statistics``.
            style: as in ``statistics``.
            colour: whether to measure the painted colours, "out", too.
            columns: as in ``statistics``.
            column: number of the only column to measure, of exactly ``columns``; None for all of them.

        Raises:
            DeviceError: if even narrow columns do not fit into memory.
        """
        try:
            return self._statistics(frames, style, colour, columns, column)
        except (tf.errors.OpError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            last: Exception = error
        with self._one_at_a_time:
            while column is None and columns <= MOST_COLUMNS:
                try:
                    return self._statistics(frames, style, colour, columns, None)
                except (tf.errors.OpError, MemoryError) as error:
                    if not is_out_of_memory(error):
                        raise
                    last, columns = error, 2 * columns
        h, w = frames.shape[1:3]
        raise DeviceError(
            f"a frame of {w}x{h} cannot be measured", f"memory ran out: {str(last)[:200]}", "lower `max_size`"
        ) from last

    def _statistics(
        self, frames: UInt8Array, style: Style, colour: bool, columns: int, column: int | None
    ) -> Statistics:
        h, w = frames.shape[1:3]
        if column is None:
            columns = max(columns, math.ceil(h * w / TILE_PIXELS))
        share = share_beside(contrast(frames), self._reference_contrast)
        references = shot_statistics.columns(self._reference_of(h, w), columns) if share else repeat(None)
        pieces = [
            both for frame in frames for both in zip(shot_statistics.columns(frame, columns), references, strict=False)
        ]
        chosen = pieces if column is None else [pieces[column]]
        return pooled([self.measure(piece, style.weights, reference, share, colour) for piece, reference in chosen])

    @cached_property
    def _reference(self) -> UInt8Array:
        return np.asarray(tf.io.decode_jpeg(tf.io.read_file(str(ordinary_picture())), channels=3).numpy())

    @cached_property
    def _reference_contrast(self) -> float:
        return contrast(self._reference[None])

    def _reference_of(self, height: int, width: int) -> UInt8Array:
        """The reference picture in the size of a frame, uint8 ``[height, width, 3]``."""
        resized = self._resized  # read once: another thread may put in another size
        if resized.shape[:2] != (height, width):
            picture = tf.image.resize(self._reference[None], (height, width), "bicubic", antialias=True)
            resized = self._resized = np.rint(np.clip(picture.numpy()[0], 0, 255)).astype(np.uint8)
        return resized

    def _canvas_of(self, height: int, width: int) -> Any:
        """The canvas of a piece, ``[1, h, w, C]``. Statistics depend on how much there is, not on how it lies."""
        if not self.canvas.amount and not self._always_canvas:
            return None
        return tf.constant(still_canvas(height, width, self._stride, self.canvas)[None])

    def measure(
        self, piece: UInt8Array, weights: Arrays, reference: UInt8Array | None, share: float, colour: bool
    ) -> Statistics:
        """Statistics of one piece of a frame.

        Args:
            piece: uint8 ``[H, W, 3]``.
            weights: of the style.
            reference: a picture of the same shape to measure beside; None for none.
            share: weight of the reference, 0..1.
            colour: whether to measure the painted colours too.

        Raises:
            tensorflow.errors.OpError, MemoryError: if memory ran out (``is_out_of_memory``).
        """
        pictures = 1 if reference is None else 2
        size = pictures * self._bytes_per_pixel * piece.shape[0] * piece.shape[1]
        with self._budget.reserved(size), tf.device(self._device):
            arrays = {name: tf.constant(value) for name, value in weights.items()}
            other = None if reference is None else tf.constant(reference)
            on_canvas = self._always_canvas or has_canvas(weights)
            canvas = self._canvas_of(piece.shape[0], piece.shape[1]) if on_canvas else None
            found = self._program(arrays, tf.constant(piece), canvas, other, tf.constant(share, tf.float32), colour)
        return {layer: (mean.numpy(), variance.numpy()) for layer, (mean, variance) in found.items()}
