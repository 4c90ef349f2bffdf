"""The capture thread: reads the camera, keeps the newest frame, and reopens a camera that has failed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import numpy as np

from videostyle.errors import DeviceError, VideostyleError
from videostyle.frames import UInt8Array
from videostyle.live.frame import LiveFrame
from videostyle.live.latest_slot import LatestSlot
from videostyle.media.opencv import load_cv2
from videostyle.media.readers.camera import Grabber

log = logging.getLogger("videostyle")

STALLED = 3.0  # seconds without a frame after which a camera has failed
FROZEN = 90  # identical frames in a row, while the device's clock stands still, after which a camera has failed
ENDED = "it delivers no more frames"  # for a file that is the normal end
RETRY_FIRST, RETRY_LONGEST = 0.5, 10.0  # seconds between attempts to reopen the camera, doubled each time


class _FreezeCounter:
    """Counts identical frames in a row while the device's clock stands still.

    Identical pictures alone mean nothing: a lens cap or a slide gives them too, but there the clock goes on. A clock
    that has never moved means nothing either: some drivers report no time.
    """

    def __init__(self) -> None:
        self._picture: UInt8Array | None = None
        self._time: float | None = None
        self._clock_works, self._repeats = False, 0

    def count(self, picture: UInt8Array, device_time: float | None) -> int:
        """Takes a frame and its time on the device's clock (None = unknown); returns the repeats in a row so far."""
        previous, stands = self._picture, device_time is not None and device_time == self._time
        if device_time is not None and self._time is not None and not stands:
            self._clock_works = True
        self._picture, self._time = picture, device_time
        frozen = self._clock_works and stands and previous is not None and np.array_equal(previous, picture)
        self._repeats = self._repeats + 1 if frozen else 0
        return self._repeats


class Capture:
    """Reads a camera in a thread of its own and keeps the newest frame in ``slot``.

    A second thread watches for frames that fail to arrive. A camera that has failed is left to its thread, which may
    hang in the driver, and is opened again if ``reopen`` is given.

    Args:
        grabber: the opened camera.
        reopen: opens the camera again; None = a failure ends the run.
        mirror: flip frames left to right.
        fps: highest rate to deliver, frames/s; None = every frame.
        stalled: seconds without a frame after which the camera has failed.
        patient: wait without end until ``expect_frames`` is called.

    Attributes:
        slot: the newest frame; closed when no more will come.
        captured: frames that the camera delivered.
        skipped: frames left out to keep to ``fps``.
        reconnects: number of times the camera was opened again.
        warnings: what went wrong without ending the run.
        outage: why no frames arrive at the moment; "" = they do.
        error: the failure that ended the run, or None.
    """

    def __init__(
        self,
        grabber: Grabber,
        reopen: Callable[[], Grabber] | None,
        *,
        mirror: bool,
        fps: float | None = None,
        stalled: float = STALLED,
        patient: bool = False,
    ) -> None:
        self.slot: LatestSlot[LiveFrame] = LatestSlot()
        self.captured = self.reconnects = self.skipped = 0
        self.warnings: list[str] = list(grabber.warnings)
        self.outage = ""
        self.error: VideostyleError | None = None
        self._period, self._due = (1.0 / fps if fps else 0.0), 0.0
        self._grabber, self._reopen, self._mirror = grabber, reopen, mirror
        self._size = (grabber.info.height, grabber.info.width)
        self._stalled, self._patient = stalled, patient
        self._stop = threading.Event()
        self._last = time.monotonic()
        # A reader thread belongs to one opening of the camera. When the number has moved on, the thread is obsolete.
        self._generation = 0
        self._lock = threading.Lock()
        self._start()
        self._watchdog = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._watchdog.start()

    def expect_frames(self) -> None:
        """Ends the patience: from now on, frames that fail to arrive are a failure."""
        self._last, self._patient = time.monotonic(), False

    def _start(self) -> None:
        self._generation += 1
        self._last = time.monotonic()
        arguments = (self._grabber, self._generation)
        self._reader = threading.Thread(target=self._read, args=arguments, name="capture", daemon=True)
        self._reader.start()

    def _read(self, grabber: Grabber, generation: int) -> None:
        freezes = _FreezeCounter()
        reason = ""
        try:
            while not self._stop.is_set() and generation == self._generation:
                grabbed = grabber.read()
                if generation != self._generation:
                    return  # the watchdog has given this camera up in the meantime
                if grabbed is None:
                    reason = ENDED
                    break
                picture, captured = grabbed
                if freezes.count(picture, grabber.device_time) >= FROZEN:
                    reason = f"it has frozen: {FROZEN} identical frames"
                    break
                self._deliver(picture, captured)
        except VideostyleError as error:
            reason = str(error)
        except Exception as error:  # decoders and OpenCV raise types of their own, and nothing else watches this thread
            reason = f"{type(error).__name__}: {error}"
        if not self._stop.is_set():
            self._fail(reason, generation)

    def _is_due(self, captured: float) -> bool:
        """Whether a frame is due at the target rate; one that is up to a quarter period early counts as due."""
        if captured < self._due - 0.25 * self._period:
            self.skipped += 1
            return False
        self._due = max(self._due, captured - self._period) + self._period
        return True

    def _deliver(self, picture: UInt8Array, captured: float) -> None:
        self._last = time.monotonic()
        self.outage = ""
        if self._period and not self._is_due(captured):
            self.captured += 1
            return
        if picture.shape[:2] != self._size:
            cv2 = load_cv2()
            if not any("of size" in warning for warning in self.warnings):
                given, expected = (f"{w}x{h}" for h, w in (picture.shape[:2], self._size))
                self.warnings.append(
                    f"the camera delivers frames of size {given} instead of {expected}; they are scaled"
                )
                log.warning(self.warnings[-1])
            picture = np.asarray(cv2.resize(picture, self._size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        if self._mirror:
            picture = np.asarray(load_cv2().flip(picture, 1), np.uint8)
        self.slot.put(LiveFrame(picture, captured, self.captured))
        self.captured += 1

    def _watch(self) -> None:
        """The watchdog thread."""
        while not self._stop.wait(0.1):
            if not self._patient and time.monotonic() - self._last > self._stalled:
                self._fail(f"no frame for {self._stalled:.0f} s", self._generation)

    def _fail(self, reason: str, generation: int) -> None:
        """Reopens the camera, or ends the capture if that is not wanted."""
        with self._lock:
            if self._stop.is_set() or generation != self._generation:
                return
            self._generation += 1
            if self._reopen is None:
                if reason != ENDED:
                    self.error = DeviceError("the camera failed", reason, "`reconnect` waits for it to come back")
                self._finish()
                return
            self.warnings.append(f"the camera failed: {reason}")
            self.outage = f"waiting for the camera: {reason}"
            log.warning("%s; trying to reopen it", self.warnings[-1])
            pause = RETRY_FIRST
            # In a thread: closing may hang in the driver.
            threading.Thread(target=self._grabber.close, daemon=True).start()
            while not self._stop.wait(pause):
                try:
                    self._grabber = self._reopen()
                except Exception as error:  # whatever the reason, the next attempt may succeed
                    log.info("%s", error)
                    self._last = time.monotonic()
                    pause = min(2 * pause, RETRY_LONGEST)
                    continue
                if self._stop.is_set():
                    self._grabber.close()
                    return
                self.reconnects += 1
                self._start()
                return

    def _finish(self) -> None:
        self._stop.set()
        self.slot.close()

    def close(self) -> None:
        """Stops reading and releases the camera."""
        self._finish()
        self._grabber.close()
        # A decoder that still works in its thread can keep the program from ending.
        if self._reader is not threading.current_thread():
            self._reader.join(1.0)
