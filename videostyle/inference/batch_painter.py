"""Paints batches of frames of one size in calls of the device program, with the memory that is available.

Calls run side by side where each operation is computed on one thread. Where memory is short, their number is halved,
then that of the frames in a call, then the size of tiles.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np

from videostyle.frames import AnyArray, ColorInfo, VideoInfo
from videostyle.inference.backends.current import backend
from videostyle.inference.batch_size import frames_fitting, usual_pixels
from videostyle.inference.memory import budget_of, bytes_per_pixel, does_not_fit, is_out_of_memory, scaling_bytes
from videostyle.inference.painter import FramePainter, best_tile
from videostyle.inference.program import FrameInputs
from videostyle.inference.shot_weights import FoldedWeights
from videostyle.inference.stroke_size import painted_size
from videostyle.network.architecture import Architecture
from videostyle.resources import usable_cores

log = logging.getLogger("videostyle")

DEEP = ("rgb48", "i420p10")  # outputs of more than 8 bits
IN_FLIGHT = 3  # batches on an accelerator: one is copied up, one is painted, one is copied down


class BatchPainter:
    """Paints frames, each with its own weights and canvas.

    Args:
        architecture: of the network.
        device: its name, as from ``choose_device``.
        precision: of the computation (``network.precision``).
        output: pixel format of painted frames, one of ``PIXEL_FORMATS``.
        batch_size: frames in one call of the program; None = chosen by the frame size.
        tile: largest number of pixels in a tile; None = chosen by the available memory.
        batch_pixels: pixels in a batch, over all calls side by side, where ``batch_size`` is None; None = the usual
            number for the device.
        stroke_size: as in ``stroke_size.painted_size``.

    Attributes:
        workers: largest number of calls side by side, if memory allows.
        in_flight: batches that may be begun before the first is fetched.
        frames: in one call, after ``open``.
        calls: side by side, after ``open``.
        warnings: messages for the user, one sentence each, about lack of memory.
        pool: the threads of the calls; others may use it too.
    """

    def __init__(
        self,
        architecture: Architecture,
        *,
        device: str,
        precision: str,
        output: str,
        batch_size: int | None,
        tile: int | None,
        batch_pixels: int | None,
        stroke_size: float | None,
    ) -> None:
        self._architecture, self._device, self._precision, self._output = architecture, device, precision, output
        self._batch_size, self._tile, self._stroke_size = batch_size, tile, stroke_size
        self._batch_pixels = batch_pixels or usual_pixels(device)
        # Where each operation is computed on one thread, calls run side by side: no core waits for another.
        one_thread = "CPU" in device and backend().one_thread_each()
        self.workers = usable_cores() if one_thread else 1
        self.in_flight = IN_FLIGHT if "GPU" in device else 1
        self.frames, self.calls = 1, 1
        self.warnings: list[str] = []
        self.pool = ThreadPoolExecutor(max(self.workers, self.in_flight), thread_name_prefix="paint")
        self._budget = budget_of(device)
        self._painter: FramePainter | None = None

    @property
    def painter(self) -> FramePainter:
        """The compiled program, after ``open``."""
        if self._painter is None:
            raise ValueError("open() must be called first")
        return self._painter

    def open(self, info: VideoInfo) -> bool:
        """Prepares for frames of this size and these colours; returns False if everything was ready for them."""
        size = info.height, info.width
        even = info.width % 2 == 0 and info.height % 2 == 0
        planes = info.color if self._output.startswith("i420") and even else None
        if self._painter is not None and (self._painter.size, self._painter.planes) == (size, planes):
            return False
        self.frames, self.calls = self.frames_per_call(info), 1
        self._painter = self._painter_for(size, planes, self._tile_for(info))
        while self._tile is None and self.bytes_of_call() > self._budget.total and self._halve("is short"):
            pass
        self.calls = self._budget.calls(self.bytes_of_call(), self.workers)
        return True

    def close(self) -> None:
        """Frees the compiled program."""
        self._painter = None

    def _painter_for(self, size: tuple[int, int], planes: ColorInfo | None, tile: int | None) -> FramePainter:
        return FramePainter(
            self._architecture,
            size,
            device=self._device,
            precision=self._precision,
            planes=planes,
            deep=self._output in DEEP,
            tile=tile,
            stroke_size=self._stroke_size,
        )

    def frames_per_call(self, info: VideoInfo) -> int:
        """Frames in one call of the program for a video of this size, if memory is not short.

        Without a ``batch_size``, a batch is a power of two of frames, which are divided among the calls side by side.
        """
        if self._batch_size:
            return self._batch_size
        fitting = frames_fitting(self._batch_pixels, (info.height, info.width), self._stroke_size)
        return max(1, fitting // self.workers)

    def frames_per_batch(self, info: VideoInfo) -> int:
        """The best size of a batch for a video of this size: the frames of all calls side by side."""
        frames = self.frames_per_call(info)
        painted = painted_size(info.height, info.width, self._stroke_size)
        pixels = min(painted[0] * painted[1], self._tile_for(info))
        size = pixels * bytes_per_pixel(self._architecture, self._precision)
        size += scaling_bytes((info.height, info.width), painted)
        return frames * self._budget.calls(frames * size, self.workers)

    def _tile_for(self, info: VideoInfo) -> int:
        size, frames = painted_size(info.height, info.width, self._stroke_size), self.frames_per_call(info)
        network = self._architecture, self._precision
        return self._tile or best_tile(*network, size, frames, self._budget, self.workers)

    def begin(
        self, inputs: FrameInputs, weights: Sequence[FoldedWeights], alone: Sequence[bool]
    ) -> Callable[[], tuple[AnyArray, bool]]:
        """Begins to paint frames; where memory runs out, they are painted with less at a time.

        Args:
            inputs: the frames.
            weights: of each frame.
            alone: of each frame, whether it is painted in a call of its own.

        Returns:
            A function that waits for all of them: it returns the painted frames, as ``FramePainter`` does, and whether
            all values were finite. It raises ``DeviceError`` if even one tile of one frame does not fit into memory.
        """
        begun = self._begin_calls(inputs, weights, alone, 0)

        def finish() -> tuple[AnyArray, bool]:
            results: list[AnyArray] = []
            painted, all_finite, calls = 0, True, begun
            while calls:
                try:
                    done = [call.result() for call in calls]
                except Exception as error:
                    wait(calls)
                    if not is_out_of_memory(error):
                        raise
                    if not self._halve("ran out"):
                        raise does_not_fit(self.painter.size, error) from error
                    done = []
                for frames, finite in done:
                    results.append(frames)
                    painted += len(frames)
                    all_finite = all_finite and finite
                calls = self._begin_calls(inputs, weights, alone, painted)
            # Some backends give arrays that nobody may write to.
            own = len(results) == 1 and results[0].flags.writeable
            return results[0] if own else np.concatenate(results), all_finite

        return finish

    def _begin_calls(
        self, inputs: FrameInputs, weights: Sequence[FoldedWeights], alone: Sequence[bool], end: int
    ) -> list[Future[tuple[AnyArray, bool]]]:
        """Begins as many calls as may run side by side, from frame ``end`` of the inputs on; none if it is the last."""
        calls: list[Future[tuple[AnyArray, bool]]] = []
        while end < inputs.frame_count and len(calls) < self.calls:
            first = end
            while end < min(inputs.frame_count, first + self.frames) and weights[end] is weights[first]:
                end += 1
            size = 1 if alone[first] else self.frames
            calls.append(self.pool.submit(self._paint_filled, inputs.between(first, end), size, weights[first]))
        return calls

    def _paint_filled(self, inputs: FrameInputs, size: int, weights: FoldedWeights) -> tuple[AnyArray, bool]:
        """Paints frames in a call that is filled up to ``size`` frames, as another number needs another program."""
        painter = self.painter
        with self._budget.reserved(painter.bytes_of_call(size)):
            painted, finite = painter(inputs.filled(size), weights)
        return painted[: inputs.frame_count], finite

    def bytes_of_call(self) -> float:
        """Bytes of memory that a call takes."""
        return self.painter.bytes_of_call(self.frames)

    def _halve(self, what: str) -> bool:
        """Halves the calls side by side, or else the frames in a call, or else the tiles, and warns.

        Args:
            what: what happened to memory, for the warning: "is short" or "ran out".

        Returns:
            False if nothing is left to halve.
        """
        painter = self.painter
        if self.calls > 1:
            self.calls //= 2
            now = f"{self.calls} batches side by side"
        elif self.frames > 1:
            self.frames //= 2
            now = f"{self.frames} frames at once"
        else:
            tile = painter.half_tile()
            if tile is None:
                return False
            self._painter = self._painter_for(painter.size, painter.planes, tile)
            now = f"in {len(self._painter.tiles)} tiles"
        self.warnings.append(f"memory {what}: painting {now} from here on")
        log.warning(self.warnings[-1])
        return True
