"""The live loop: capture, painting and outputs side by side, always with the newest frame."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np

from videostyle.errors import DeviceError, VideostyleError
from videostyle.frames import UInt8Array
from videostyle.io.camera import Grabber
from videostyle.live.newest import Newest
from videostyle.live.outputs import LiveFrame, Output, Runner
from videostyle.live.pace import Pace, painted_size

log = logging.getLogger("videostyle")

STALLED = 3.0  # seconds without a frame after which a camera counts as gone
FROZEN = 90  # byte-identical frames in a row after which a camera counts as frozen: its noise alone forbids that
ENDED = "it gives no more frames"  # no failure of a file; one of a camera
RETRY_FIRST, RETRY_LONGEST = 0.5, 10.0  # seconds between attempts to get the camera back


@dataclass
class LiveReport:
    """What a live run did.

    Attributes:
        captured: frames that the camera gave.
        painted: frames painted.
        dropped: frames that were too late to be painted.
        seconds: from the first painted frame to the end.
        first_frame: seconds from the start to the first painted frame.
        fps_in: captured frames a second.
        fps_out: painted frames a second.
        latency_p50: milliseconds from capture to having left through the slowest output.
        latency_p95: the same, 95th percentile.
        delay: seconds from the capture of the last frame to its being painted.
        longest_gap: seconds between two painted frames at most.
        reconnects: times that the camera was opened again.
        size: width and height at which frames were painted at the end.
        outputs: name -> frames, dropped, error.
        warnings: what was not as it should be.
    """

    captured: int = 0
    painted: int = 0
    dropped: int = 0
    seconds: float = 0.0
    first_frame: float = 0.0
    fps_in: float = 0.0
    fps_out: float = 0.0
    latency_p50: float = 0.0
    latency_p95: float = 0.0
    delay: float = 0.0
    longest_gap: float = 0.0
    reconnects: int = 0
    size: tuple[int, int] = (0, 0)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """As JSON values."""
        return {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()}


class Capture:
    """Reads a grabber in a thread of its own and leaves the newest frame; opens it again when it fails.

    Args:
        grabber: opened already.
        again: opens it once more; None = a camera that fails ends the run.
        mirror: turn frames left to right.
        stalled: seconds without a frame after which it counts as failed.
    """

    def __init__(
        self, grabber: Grabber, again: Callable[[], Grabber] | None, *, mirror: bool, stalled: float = STALLED
    ) -> None:
        self.slot: Newest[LiveFrame] = Newest()
        self.captured = self.reconnects = 0
        self.warnings: list[str] = []
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
        threading.Thread(target=self._read, args=arguments, name="capture", daemon=True).start()

    def _read(self, grabber: Grabber, generation: int) -> None:
        before, same = None, 0
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
                same = same + 1 if before is not None and np.array_equal(before, picture) else 0
                before = picture
                if same >= FROZEN:
                    reason = f"it has frozen: {same} identical frames"
                    break
                self._deliver(picture, moment)
        except VideostyleError as error:
            reason = str(error)
        except (OSError, RuntimeError) as error:
            reason = f"{type(error).__name__}: {error}"
        if not self._stop.is_set():
            self._failed(reason, generation)

    def _deliver(self, picture: UInt8Array, moment: float) -> None:
        if picture.shape[:2] != self._size:
            from videostyle.io.opencv import load_cv2

            cv2 = load_cv2()
            if not any("of size" in warning for warning in self.warnings):
                found, wanted = (f"{w}x{h}" for h, w in (picture.shape[:2], self._size))
                self.warnings.append(f"the camera gives frames of size {found} instead of {wanted}; they are scaled")
                log.warning(self.warnings[-1])
            picture = np.asarray(cv2.resize(picture, self._size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        if self._mirror:
            picture = np.ascontiguousarray(picture[:, ::-1])
        self._last = time.monotonic()
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
            log.warning("%s; trying to get it back", self.warnings[-1])
            pause = RETRY_FIRST
            threading.Thread(target=self._grabber.close, daemon=True).start()
            while not self._stop.wait(pause):
                try:
                    self._grabber = self._again()
                except VideostyleError as error:
                    log.info("%s", error)
                    self._last = time.monotonic()
                    pause = min(2 * pause, RETRY_LONGEST)
                    continue
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


class Painter(Protocol):
    """What the loop needs of a painter (``LivePainter``); ``step`` is the size it paints at now."""

    step: int

    def __call__(self, frame: UInt8Array, now: float) -> UInt8Array:
        """Paints one frame."""

    def set_step(self, step: int) -> None:
        """Changes the size at which is painted."""

    def close(self) -> None:
        """Frees what it holds."""


class LiveLoop:
    """Paints what a capture gives and hands it to the outputs.

    Args:
        capture: where frames come from.
        painter: paints them.
        outputs: name -> output.
        pace: chooses the size.
        size: width and height of the frames.
        fps: the rate aimed at.
        watch: called with each painted frame and the unpainted one, in this thread; returns the frame to hand
            out, or None to stop (a window with its keys and overlay).
    """

    def __init__(
        self,
        capture: Capture,
        painter: Painter,
        outputs: dict[str, Output],
        pace: Pace,
        size: tuple[int, int],
        fps: float,
        watch: Callable[[UInt8Array, UInt8Array, LiveReport], UInt8Array | None] | None = None,
    ) -> None:
        self.capture, self.painter, self._pace, self._watch = capture, painter, pace, watch
        self._size, self._fps = size, fps
        self.runners: list[Runner] = []
        for name, output in outputs.items():
            self.add(name, output)
        self.report = LiveReport()

    def add(self, name: str, output: Output) -> None:
        """Adds an output while frames run.

        Raises:
            VideostyleError: if it cannot be opened.
        """
        self.runners.append(Runner(name, output, *self._size, self._fps))

    def remove(self, name: str) -> None:
        """Finishes an output while frames run."""
        for runner in [r for r in self.runners if r.name == name]:
            self.runners.remove(runner)
            self._close(runner)

    def _close(self, runner: Runner) -> None:
        report = self.report
        try:
            runner.close()
        except VideostyleError as error:
            runner.error = error
        report.outputs[runner.name] = {
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
        began = time.monotonic()
        first, last, warm = 0.0, 0.0, False
        first_captured = 0
        delays: list[float] = []
        report = self.report
        failure: VideostyleError | None = None
        try:
            while not stop.is_set() and not self.capture.slot.over:
                frame = self.capture.slot.get(0.2)
                now = time.monotonic()
                if duration is not None and first and now - first >= duration:
                    break
                if frame is None:
                    continue
                painted = self.painter(frame.picture, now)
                if not warm:
                    warm = True  # this one took long: what was compiled for it, and its age, would show as a gap
                    continue
                done = time.monotonic()
                # While another size is being prepared, times are those of the old one, and of the preparing.
                if self.painter.step == self._pace.step and self._pace.add(done - now, done):
                    self.painter.set_step(self._pace.step)
                report.delay = done - frame.captured
                if self._watch is not None:
                    shown = self._watch(painted, frame.picture, report)
                    if shown is None:
                        break
                    painted = shown
                for runner in self.runners:
                    if runner.alive:
                        runner.slot.put(LiveFrame(painted, frame.captured, frame.number))
                if not first:
                    first, first_captured, report.first_frame = done, self.capture.captured, done - began
                    self.capture.slot.dropped = 0  # what came while the network was loaded
                else:
                    report.longest_gap = max(report.longest_gap, done - last)
                last = done
                report.painted += 1
                delays.append(time.monotonic() - frame.captured)
                del delays[:-6000]
                report.dropped = self.capture.slot.dropped
                report.size = painted_size(*self._size, self.painter.step)
                report.seconds = done - first
                if report.seconds > 0:
                    report.fps_out = (report.painted - 1) / report.seconds
                    report.fps_in = (self.capture.captured - first_captured) / report.seconds
        except VideostyleError as error:
            failure = error
        finally:
            self.capture.close()
            every = [runner.delays for runner in self.runners]
            for runner in list(self.runners):
                self._close(runner)
            self.runners = []
            self.painter.close()
        _summarise(report, self.capture, delays, every)
        if failure is not None or self.capture.error is not None:
            raise failure or self.capture.error or DeviceError("the camera failed")
        return report


def _summarise(report: LiveReport, capture: Capture, delays: Sequence[float], every: Sequence[Sequence[float]]) -> None:
    slowest = max([list(d) for d in every if d], key=np.median, default=list(delays))
    if slowest:
        report.latency_p50, report.latency_p95 = (float(1e3 * np.percentile(slowest, p)) for p in (50, 95))
    report.captured, report.reconnects = capture.captured, capture.reconnects
    report.warnings = list(capture.warnings)
