"""The camera of a browser as a source of frames: the page sends pictures, of which the newest counts."""

from __future__ import annotations

import threading
import time
from fractions import Fraction

from videostyle.frames import UInt8Array, VideoInfo

FPS = 25  # about the rate at which the page sends pictures
HELD = 1.0  # seconds after which the last picture is given again, so that the camera does not count as failed
GONE = 30.0  # seconds without a picture after which the page has gone


class BrowserCamera:
    """A grabber of pictures that ``put`` takes.

    Args:
        size: width and height of the frames, pixels.

    Attributes:
        info: as of any grabber; so are ``warnings`` and ``device_time``.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.info = VideoInfo(size[0], size[1], Fraction(FPS))
        self.warnings: list[str] = []
        self.device_time: float | None = None
        self._changed = threading.Condition()
        self._new = False
        self._picture: UInt8Array | None = None
        self._last = time.monotonic()
        self._closed = False

    def put(self, picture: UInt8Array) -> float:
        """Takes a picture, uint8 ``[H, W, 3]`` RGB; returns the time of its capture, seconds of ``time.monotonic``."""
        with self._changed:
            self._picture, self._new, self._last = picture, True, time.monotonic()
            self._changed.notify_all()
            return self._last

    def read(self) -> tuple[UInt8Array, float] | None:
        """Waits for the next picture; None when the page has gone."""
        with self._changed:
            while not self._closed and time.monotonic() - self._last < GONE:
                if not self._new:
                    self._changed.wait(HELD)
                if self._picture is not None and not self._closed:
                    captured = self._last if self._new else time.monotonic()
                    self._new = False
                    return self._picture, captured
            return None

    def close(self) -> None:
        """Ends it. May be called twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
