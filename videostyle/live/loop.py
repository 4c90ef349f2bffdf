"""The live loop: capture, painting, display and outputs side by side, always with the newest frame."""

from __future__ import annotations

import logging
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

log = logging.getLogger("videostyle")

LOOK = 0.05  # seconds between two looks at keys and the clock while no frame comes
LAST_FRAME = 30.0  # seconds that the frame in work at the end may take


class Painter(Protocol):
    """What the loop needs of a painter (``LivePainter``); ``step`` is the size it paints at now."""

    step: int

    def prepare(self, frame: UInt8Array, now: float) -> tuple[float, ...]:
        """Gets ready with the first frame; returns seconds that a frame takes at each step."""

    def __call__(self, frame: UInt8Array, now: float) -> UInt8Array:
        """Paints one frame."""

    def set_step(self, step: int, now: float) -> None:
        """Changes the size at which is painted."""

    def close(self) -> None:
        """Frees what it holds."""


class Viewer(Protocol):
    """What stands between painting and people: composes what all outputs get, shows it, takes keys."""

    def compose(self, painted: UInt8Array, original: UInt8Array) -> UInt8Array:
        """What outputs get; called in the painting thread."""

    def show(self, picture: UInt8Array | None, report: LiveReport, notice: str) -> bool:
        """Shows a picture (None = nothing new) and does what keys ask for; False to stop. In the first thread."""


class LiveLoop:
    """Paints what a capture gives and hands it to the outputs.

    Capture, painting, each output and the display have a thread of their own; the display has the one that calls
    ``run``, as most systems want windows in a program's first thread.

    Args:
        capture: where frames come from.
        painter: paints them.
        outputs: name -> output.
        pace: chooses the size.
        size: width and height of the frames.
        fps: the rate aimed at, frames/s.
        viewer: a window with its keys and overlay; None = there is none.
        tick: called now and then with the time, in the thread of ``run``.
        started: when the program began, ``time.monotonic``; None = now.
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
        viewer: Viewer | None = None,
        tick: Callable[[float], None] | None = None,
        started: float | None = None,
    ) -> None:
        self.capture, self.painter, self._pace = capture, painter, pace
        self._viewer, self._tick = viewer, tick
        self._started = time.monotonic() if started is None else started
        self._size, self._fps = size, fps
        self._shown: LatestSlot[UInt8Array] = LatestSlot()
        self._quit, self._over = threading.Event(), threading.Event()
        self._failure: BaseException | None = None
        self._first: float | None = None  # when the first frame was painted, and the last one
        self._last = 0.0
        self._first_captured = 0
        self._delays, self._rate = LatencyHistogram(), RollingRate()
        self._finished: list[LatencyHistogram] = []
        self._finishing: list[threading.Thread] = []
        self.report = LiveReport()
        self.runners: list[OutputThread] = []
        try:
            for name, output in outputs.items():
                self.add(name, output)
        except BaseException:
            capture.close()
            for runner in self.runners:
                self._close(runner)
            raise

    def add(self, name: str, output: Output) -> None:
        """Adds an output while frames run.

        Raises:
            VideostyleError: if it cannot be opened.
        """
        self.runners.append(OutputThread(name, output, *self._size, self._fps))

    def remove(self, name: str) -> None:
        """Finishes an output beside, while frames run."""
        for runner in [r for r in self.runners if r.name == name]:
            self.runners.remove(runner)
            thread = threading.Thread(target=self._close, args=(runner,), name=f"finish {name}")
            self._finishing.append(thread)
            thread.start()

    def error_of(self, name: str) -> VideostyleError | None:
        """What an output that takes frames has met; None = nothing, or there is no such output."""
        return next((runner.error for runner in tuple(self.runners) if runner.name == name), None)

    def _close(self, runner: OutputThread) -> None:
        try:
            runner.close()
        except VideostyleError as error:
            runner.error = runner.error or error
        except Exception as error:  # libraries have errors of their own, and the others must be finished as well
            runner.error = runner.error or OutputError(f"{runner.name} was not finished", str(error))
        self._finished.append(runner.delays)
        self.report.outputs[runner.name] = {
            "frames": runner.frames,
            "dropped": runner.slot.dropped,
            "error": str(runner.error) if runner.error else "",
            "reconnects": int(getattr(runner.output, "reconnects", 0)),
        }

    def run(self, stop: threading.Event, duration: float | None = None) -> LiveReport:
        """Runs until ``stop`` is set, ``duration`` seconds have passed, or the camera has ended.

        Raises:
            VideostyleError: if the camera failed, or painting did; outputs are finished then as well.
        """
        painting = threading.Thread(target=self._paint_all, name="paint", daemon=True)
        painting.start()
        try:
            self._watch(stop, duration)
        finally:
            self._quit.set()
            self.capture.close()
            painting.join(LAST_FRAME)
            for runner in list(self.runners):
                self._close(runner)
            self.runners = []
            for thread in self._finishing:
                thread.join()
            if not painting.is_alive():
                self.painter.close()
        self._summarise()
        failure = self._failure or self.capture.error
        if failure is not None:
            raise failure
        return self.report

    def _watch(self, stop: threading.Event, duration: float | None) -> None:
        """Shows what is painted, and waits for the end."""
        while not stop.is_set() and not self._over.is_set():
            now = time.monotonic()
            if duration is not None and self._first is not None and now - self._first >= duration:
                return
            if self._tick is not None:
                self._tick(now)
            if self._viewer is None:
                self._over.wait(LOOK)
            elif not self._viewer.show(self._shown.get(LOOK), self.report, self.capture.waiting):
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
            while not self._ended():
                frame = self.capture.slot.get(0.2)
                if frame is not None:
                    self._paint(frame)
            if self._quit.is_set():
                return
            if first is None and self.capture.error is None:
                raise DeviceError("there is nothing to paint", "the camera, or file, ended before its first frame")
            if first is not None and not self.report.painted:
                self._paint(first)  # there is no other
        except BaseException as error:  # it is raised again in the thread that called run()
            self._failure = error
        finally:
            self._over.set()

    def _ended(self) -> bool:
        return self._quit.is_set() or self.capture.slot.over

    def _paint(self, frame: LiveFrame) -> None:
        began = time.monotonic()
        painted = self.painter(frame.picture, began)
        if self._viewer is not None:
            painted = self._viewer.compose(painted, frame.picture)
        for runner in tuple(self.runners):
            if runner.alive:
                runner.slot.put(LiveFrame(painted, frame.captured, frame.number))
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
            capture.slot.dropped = capture.skipped = 0  # what came while the network was loaded
        else:
            report.longest_gap = max(report.longest_gap, done - self._last)
        self._last = done
        report.painted += 1
        self._delays.add(done - frame.captured)
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
        slowest = max([d for d in self._finished if len(d)], key=lambda d: d.percentile(50), default=self._delays)
        self.report.latency_p50, self.report.latency_p95 = (1e3 * slowest.percentile(p) for p in (50, 95))
        self.report.captured, self.report.reconnects = self.capture.captured, self.capture.reconnects
        self.report.warnings = list(self.capture.warnings)
