"""The newest-frame loop: paints the newest captured frame and hands it to the outputs and the display.

Threads: capture (``Capture``), painting (``LiveLoop``), one for each output (``OutputThread``), and the calling
thread, which shows pictures and handles keys. They pass frames through slots that hold only the newest one
(``LatestSlot``), so a slow thread drops frames and delays no other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from videostyle.errors import DeviceError, OutputError, VideostyleError
from videostyle.frames import UInt8Array
from videostyle.live.capture import Capture
from videostyle.live.frame import LiveFrame
from videostyle.live.latest_slot import LatestSlot
from videostyle.live.outputs.output import Output, OutputThread
from videostyle.live.pace import Pace, painted_size
from videostyle.live.telemetry import LatencyHistogram, LiveReport, RollingRate

POLL = 0.05  # seconds; longest wait for a frame before keys and the clock are looked at again
LAST_FRAME = 30.0  # seconds to wait at the end for the frame that is being painted


class Painter(Protocol):
    """What the loop needs of a painter (``LivePainter``).

    Attributes:
        step: index into ``pace.STEPS`` of the size it paints at.
    """

    step: int

    def prepare(self, frame: UInt8Array, now: float) -> tuple[float, ...]:
        """Prepares to paint, given the first frame; returns the measured seconds per frame at each step."""

    def __call__(self, frame: UInt8Array, now: float) -> UInt8Array:
        """Paints one frame, uint8 ``[H, W, 3]``, of time ``now``, seconds."""

    def set_step(self, step: int, now: float) -> None:
        """Changes the size at which it paints."""

    def close(self) -> None:
        """Frees what it holds."""


class Viewer(Protocol):
    """What the loop needs of a display with keys (``WindowViewer``)."""

    def show(self, picture: UInt8Array | None, report: LiveReport, notice: str) -> bool:
        """Shows a picture and handles keys. Called in the thread of ``LiveLoop.run``.

        Args:
            picture: uint8 ``[H, W, 3]``; None = no new one.
            report: figures for the overlay.
            notice: message for the overlay, "" = none.

        Returns:
            False to end the run.
        """


class LiveLoop:
    """Paints what a capture delivers and hands it to the outputs.

    Args:
        capture: where frames come from; closed at the end of ``run``.
        painter: paints them; closed at the end of ``run``.
        outputs: name -> output; opened here, closed at the end of ``run``.
        pace: chooses the size at which frames are painted.
        size: width and height of the frames, pixels.
        fps: target rate, frames/s.
        compose: makes the picture for display and outputs from a painted frame and its original, both uint8
            ``[H, W, 3]``; called in the painting thread. None = the painted frame.
        viewer: a display; None = there is none.
        tick: called about every ``POLL`` seconds with the time, in the thread of ``run``.
        started: start of the program, ``time.monotonic``; None = now.
        prepared: called when everything is compiled, before the first frame is painted.

    Raises:
        VideostyleError: if an output cannot be opened; capture and the other outputs are closed then.
    """

    def __init__(
        self,
        capture: Capture,
        painter: Painter,
        outputs: dict[str, Output],
        pace: Pace,
        size: tuple[int, int],
        fps: float,
        *,
        compose: Callable[[UInt8Array, UInt8Array], UInt8Array] | None = None,
        viewer: Viewer | None = None,
        tick: Callable[[float], None] | None = None,
        started: float | None = None,
        prepared: Callable[[], None] | None = None,
    ) -> None:
        self.capture, self.painter, self._pace = capture, painter, pace
        self._compose, self._viewer, self._tick, self._prepared = compose, viewer, tick, prepared
        self._started = time.monotonic() if started is None else started
        self._size, self._fps = size, fps
        self._shown: LatestSlot[UInt8Array] = LatestSlot()
        self._quit, self._over = threading.Event(), threading.Event()
        self._failure: BaseException | None = None
        self._first: float | None = None  # when the first frame was painted
        self._last = 0.0  # when the last frame was painted
        self._first_captured = 0
        self._latencies, self._rate = LatencyHistogram(), RollingRate()
        self._output_latencies: list[LatencyHistogram] = []
        self._finishing: list[threading.Thread] = []
        self.report = LiveReport()
        self.output_threads: list[OutputThread] = []
        try:
            for name, output in outputs.items():
                self.add(name, output)
        except BaseException:
            capture.close()
            for thread in self.output_threads:
                self._close(thread)
            raise

    def add(self, name: str, output: Output) -> None:
        """Adds an output; allowed while the loop runs.

        Raises:
            VideostyleError: if it cannot be opened.
        """
        self.output_threads.append(OutputThread(name, output, *self._size, self._fps))

    def remove(self, name: str) -> None:
        """Removes an output while the loop runs, and finishes it in a thread of its own."""
        for output_thread in [t for t in self.output_threads if t.name == name]:
            self.output_threads.remove(output_thread)
            thread = threading.Thread(target=self._close, args=(output_thread,), name=f"finish {name}")
            self._finishing.append(thread)
            thread.start()

    def error_of(self, name: str) -> VideostyleError | None:
        """The error of an output that was not removed yet; None if it has none, or if there is no such output."""
        return next((thread.error for thread in tuple(self.output_threads) if thread.name == name), None)

    def _close(self, output_thread: OutputThread) -> None:
        try:
            output_thread.close()
        except VideostyleError as error:
            output_thread.error = output_thread.error or error
        except Exception as error:  # libraries raise types of their own, and the other outputs must be finished too
            output_thread.error = output_thread.error or OutputError(
                f"{output_thread.name} was not finished",
                str(error),
                hint="check the disk, network or program that it goes to",
            )
        self._output_latencies.append(output_thread.latencies)
        self.report.outputs[output_thread.name] = {
            "frames": output_thread.frames,
            "dropped": output_thread.slot.dropped,
            "error": str(output_thread.error) if output_thread.error else "",
            "reconnects": int(getattr(output_thread.output, "reconnects", 0)),
        }

    def run(self, stop: threading.Event, duration: float | None = None) -> LiveReport:
        """Runs until ``stop`` is set, ``duration`` seconds have passed, or the camera has ended.

        Raises:
            VideostyleError: if the camera or the painter failed; the outputs are finished in that case too.
        """
        painting = threading.Thread(target=self._paint_all, name="paint", daemon=True)
        painting.start()
        try:
            self._display(stop, duration)
        finally:
            self._quit.set()
            self.capture.close()
            painting.join(LAST_FRAME)
            for output_thread in list(self.output_threads):
                self._close(output_thread)
            self.output_threads = []
            for thread in self._finishing:
                thread.join()
            if not painting.is_alive():
                self.painter.close()
        self._summarise()
        failure = self._failure or self.capture.error
        if failure is not None:
            raise failure
        return self.report

    def _display(self, stop: threading.Event, duration: float | None) -> None:
        """Shows painted frames and handles keys until the run is over."""
        while not stop.is_set() and not self._over.is_set():
            now = time.monotonic()
            if duration is not None and self._first is not None and now - self._first >= duration:
                return
            if self._tick is not None:
                self._tick(now)
            if self._viewer is None:
                self._over.wait(POLL)
            elif not self._viewer.show(self._shown.get(POLL), self.report, self.capture.outage):
                return

    def _paint_all(self) -> None:
        """The painting thread."""
        try:
            first = None
            while first is None and not self._ended():
                first = self.capture.slot.get(0.2)
            if first is not None:
                self._pace.begin(self.painter.prepare(first.picture, time.monotonic()))
                self.painter.set_step(self._pace.step, time.monotonic())
                if self._prepared is not None:
                    self._prepared()
            while not self._ended():
                frame = self.capture.slot.get(0.2)
                if frame is not None:
                    self._paint(frame)
            if self._quit.is_set():
                return
            if first is None and self.capture.error is None:
                raise DeviceError(
                    "there is nothing to paint",
                    "the camera, or file, ended before its first frame",
                    hint="choose another `camera` or `input`",
                )
            if first is not None and not self.report.painted:
                self._paint(first)  # a still: its only frame served to prepare the painter
        except BaseException as error:  # run() raises it again in the calling thread
            self._failure = error
        finally:
            self._over.set()

    def _ended(self) -> bool:
        return self._quit.is_set() or self.capture.slot.exhausted

    def _paint(self, frame: LiveFrame) -> None:
        began = time.monotonic()
        painted = self.painter(frame.picture, began)
        if self._compose is not None:
            painted = self._compose(painted, frame.picture)
        for output_thread in tuple(self.output_threads):
            if output_thread.alive:
                output_thread.slot.put(LiveFrame(painted, frame.captured, frame.number))
        if self._viewer is not None:
            self._shown.put(painted)
        done = time.monotonic()
        self._count(frame, done)
        if self._pace.add(done - began, done):
            self.painter.set_step(self._pace.step, done)

    def _count(self, frame: LiveFrame, done: float) -> None:
        report, capture = self.report, self.capture
        if self._first is None:
            self._first, self._first_captured = done, capture.captured
            report.first_frame = done - self._started
            capture.slot.dropped = capture.skipped = 0  # frames that came while the painter was prepared do not count
        else:
            report.longest_gap = max(report.longest_gap, done - self._last)
        self._last = done
        report.painted += 1
        self._latencies.add(done - frame.captured)
        self._rate.add(done)
        report.rate = self._rate.value
        report.delay += (1.0 if report.painted == 1 else 0.1) * (done - frame.captured - report.delay)
        report.dropped, report.skipped = capture.slot.dropped, capture.skipped
        report.size = painted_size(*self._size, self.painter.step)
        report.seconds = done - self._first
        if report.seconds > 0:
            report.fps_out = (report.painted - 1) / report.seconds
            report.fps_in = (capture.captured - self._first_captured) / report.seconds

    def _summarise(self) -> None:
        """Completes the report with the latency of the slowest output, or of painting if there is no output."""
        measured = [latencies for latencies in self._output_latencies if len(latencies)]
        slowest = max(measured, key=lambda latencies: latencies.percentile(50), default=self._latencies)
        self.report.latency_p50, self.report.latency_p95 = (1e3 * slowest.percentile(p) for p in (50, 95))
        self.report.captured, self.report.reconnects = self.capture.captured, self.capture.reconnects
        self.report.warnings = list(self.capture.warnings)
