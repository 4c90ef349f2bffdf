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

STALLED = 3.0  # seconds without a frame after which a camera counts as gone
# Byte-identical frames in a row, all of one time on the camera's own clock, after which it counts as frozen. A lens
# cap, a slide or a scene in a file give identical frames too, but their clock goes on.
FROZEN = 90
ENDED = "it gives no more frames"  # no failure of a file; one of a camera
RETRY_FIRST, RETRY_LONGEST = 0.5, 10.0  # seconds between attempts to get the camera back


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
        self.slot: LatestSlot[LiveFrame] = LatestSlot()
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
