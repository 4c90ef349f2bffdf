"""The live loop: capture, painting, display and outputs side by side, always with the newest frame."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np

from videostyle.errors import DeviceError, OutputError, VideostyleError
from videostyle.frames import UInt8Array
from videostyle.live.figures import Delays, RecentRate
from videostyle.live.newest import Newest
from videostyle.live.outputs import LiveFrame, Output, Runner
from videostyle.live.pace import Pace, painted_size
from videostyle.media.opencv import load_cv2
from videostyle.media.readers.camera import Grabber

log = logging.getLogger("videostyle")

STALLED = 3.0  # seconds without a frame after which a camera counts as gone
# Byte-identical frames in a row, all of one time on the camera's own clock, after which it counts as frozen. A lens
# cap, a slide or a scene in a file give identical frames too, but their clock goes on.
FROZEN = 90
ENDED = "it gives no more frames"  # no failure of a file; one of a camera
RETRY_FIRST, RETRY_LONGEST = 0.5, 10.0  # seconds between attempts to get the camera back
LOOK = 0.05  # seconds between two looks at keys and the clock while no frame comes
LAST_FRAME = 30.0  # seconds that the frame in work at the end may take


@dataclass
class LiveReport:
    """What a live run did.

    Attributes:
        captured: frames that the camera gave.
        painted: frames painted.
        dropped: frames that were too late to be painted.
        skipped: frames left out on purpose, as the camera is faster than the rate that is aimed at.
        seconds: from the first painted frame to the end.
        first_frame: seconds from the start of the program to the first painted frame.
        fps_in: captured frames a second.
        fps_out: painted frames a second.
        latency_p50: milliseconds from capture to having left through the slowest output.
        latency_p95: the same, 95th percentile.
        delay: seconds from the capture of a frame to its being painted, of late.
        longest_gap: seconds between two painted frames at most.
        rate: painted frames a second of late.
        reconnects: times that the camera was opened again.
        size: width and height at which frames were painted at the end.
        outputs: name -> frames, dropped, error.
        warnings: what was not as it should be.
    """

    captured: int = 0
    painted: int = 0
    dropped: int = 0
    skipped: int = 0
    seconds: float = 0.0
    first_frame: float = 0.0
    fps_in: float = 0.0
    fps_out: float = 0.0
    latency_p50: float = 0.0
    latency_p95: float = 0.0
    delay: float = 0.0
    longest_gap: float = 0.0
    rate: float = 0.0
    reconnects: int = 0
    size: tuple[int, int] = (0, 0)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """As JSON values."""
        return {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()}


class _Repeats:
    """Counts the frames that repeat the one before them while the device's clock, which has moved before, stands."""

    def __init__(self) -> None:
        self._before: UInt8Array | None = None
        self._place: float | None = None
        self._moved, self._same = False, 0

    def count(self, picture: UInt8Array, place: float | None) -> int:
        """Takes a frame and its time on the device's clock, None where there is none; gives the repeats in a row."""
        before, stands = self._before, place is not None and place == self._place
        self._moved = self._moved or (place is not None and self._place is not None and not stands)
        self._before, self._place = picture, place
        # Some drivers tell no time: their clock never moves.
        same = self._moved and stands and before is not None and np.array_equal(before, picture)
        self._same = self._same + 1 if same else 0
        return self._same


class Capture:
    """Reads a grabber in a thread of its own and leaves the newest frame; opens it again when it fails.

    Args:
        grabber: opened already.
        again: opens it once more; None = a camera that fails ends the run.
        mirror: turn frames left to right.
        fps: frames a second that are wanted at most; None = as many as come.
        stalled: seconds without a frame after which it counts as failed.
    """

    def __init__(
        self,
        grabber: Grabber,
        again: Callable[[], Grabber] | None,
        *,
        mirror: bool,
        fps: float | None = None,
        stalled: float = STALLED,
    ) -> None:
        self.slot: Newest[LiveFrame] = Newest()
        self.captured = self.reconnects = self.skipped = 0
        self.warnings: list[str] = list(grabber.warnings)
        self.waiting = ""  # why no frames come at the moment
        self._period, self._due = (1.0 / fps if fps else 0.0), 0.0
        self.error: VideostyleError | None = None
        self._grabber, self._again, self._mirror = grabber, again, mirror
        self._size = (grabber.info.height, grabber.info.width)
        self._stalled = stalled
        self._stop = threading.Event()
        self._last = time.monotonic()
        self._generation = 0
        self._lock = threading.Lock()
        self._start()
        self._watchdog = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._watchdog.start()

    def _start(self) -> None:
        self._generation += 1
        self._last = time.monotonic()
        arguments = (self._grabber, self._generation)
        self._reader = threading.Thread(target=self._read, args=arguments, name="capture", daemon=True)
        self._reader.start()

    def _read(self, grabber: Grabber, generation: int) -> None:
        repeats = _Repeats()
        reason = ""
        try:
            while not self._stop.is_set() and generation == self._generation:
                found = grabber.read()
                if generation != self._generation:
                    return  # the watchdog has given this one up
                if found is None:
                    reason = ENDED
                    break
                picture, moment = found
                if repeats.count(picture, grabber.position) >= FROZEN:
                    reason = f"it has frozen: {FROZEN} identical frames"
                    break
                self._deliver(picture, moment)
        except VideostyleError as error:
            reason = str(error)
        except Exception as error:  # decoders and OpenCV have errors of their own, and nobody else looks at this thread
            reason = f"{type(error).__name__}: {error}"
        if not self._stop.is_set():
            self._failed(reason, generation)

    def _wanted(self, moment: float) -> bool:
        """Whether a frame is due at the rate that is wanted; one that comes a little early counts as due."""
        if moment < self._due - 0.25 * self._period:
            self.skipped += 1
            return False
        self._due = max(self._due, moment - self._period) + self._period
        return True

    def _deliver(self, picture: UInt8Array, moment: float) -> None:
        self._last = time.monotonic()
        self.waiting = ""
        if self._period and not self._wanted(moment):
            self.captured += 1
            return
        if picture.shape[:2] != self._size:
            cv2 = load_cv2()
            if not any("of size" in warning for warning in self.warnings):
                found, wanted = (f"{w}x{h}" for h, w in (picture.shape[:2], self._size))
                self.warnings.append(f"the camera gives frames of size {found} instead of {wanted}; they are scaled")
                log.warning(self.warnings[-1])
            picture = np.asarray(cv2.resize(picture, self._size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        if self._mirror:
            picture = np.asarray(load_cv2().flip(picture, 1), np.uint8)
        self.slot.put(LiveFrame(picture, moment, self.captured))
        self.captured += 1

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            if time.monotonic() - self._last > self._stalled:
                self._failed(f"no frame for {self._stalled:.0f} s", self._generation)

    def _failed(self, reason: str, generation: int) -> None:
        with self._lock:
            if self._stop.is_set() or generation != self._generation:
                return
            self._generation += 1  # whoever still reads there is alone now
            if self._again is None:
                if reason != ENDED:
                    self.error = DeviceError("the camera failed", reason, "--reconnect waits for it to come back")
                self._finish()
                return
            self.warnings.append(f"the camera failed: {reason}")
            self.waiting = f"waiting for the camera: {reason}"
            log.warning("%s; trying to get it back", self.warnings[-1])
            pause = RETRY_FIRST
            threading.Thread(target=self._grabber.close, daemon=True).start()
            while not self._stop.wait(pause):
                try:
                    self._grabber = self._again()
                except Exception as error:  # whatever it is, it may be another time's
                    log.info("%s", error)
                    self._last = time.monotonic()
                    pause = min(2 * pause, RETRY_LONGEST)
                    continue
                if self._stop.is_set():
                    self._grabber.close()  # the run has ended meanwhile
                    return
                self.reconnects += 1
                self._start()
                return

    def _finish(self) -> None:
        self._stop.set()
        self.slot.close()

    def close(self) -> None:
        """Stops reading and lets go of the camera."""
        self._finish()
        self._grabber.close()
        # A decoder that still works while the program ends can keep it from ending.
        if self._reader is not threading.current_thread():
            self._reader.join(1.0)


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


class Stage(Protocol):
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
        stage: a window with its keys and overlay; None = there is none.
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
        stage: Stage | None = None,
        tick: Callable[[float], None] | None = None,
        started: float | None = None,
    ) -> None:
        self.capture, self.painter, self._pace = capture, painter, pace
        self._stage, self._tick = stage, tick
        self._started = time.monotonic() if started is None else started
        self._size, self._fps = size, fps
        self._shown: Newest[UInt8Array] = Newest()
        self._quit, self._over = threading.Event(), threading.Event()
        self._failure: BaseException | None = None
        self._first: float | None = None  # when the first frame was painted, and the last one
        self._last = 0.0
        self._first_captured = 0
        self._delays, self._rate = Delays(), RecentRate()
        self._finished: list[Delays] = []
        self._finishing: list[threading.Thread] = []
        self.report = LiveReport()
        self.runners: list[Runner] = []
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
        self.runners.append(Runner(name, output, *self._size, self._fps))

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

    def _close(self, runner: Runner) -> None:
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
            if self._stage is None:
                self._over.wait(LOOK)
            elif not self._stage.show(self._shown.get(LOOK), self.report, self.capture.waiting):
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
        if self._stage is not None:
            painted = self._stage.compose(painted, frame.picture)
        for runner in tuple(self.runners):
            if runner.alive:
                runner.slot.put(LiveFrame(painted, frame.captured, frame.number))
        if self._stage is not None:
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
