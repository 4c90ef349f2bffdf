"""Painted pictures on their way to browsers: the newest, as JPEG."""

from __future__ import annotations

import threading
import time

from videostyle.live.frame import LiveFrame
from videostyle.live.telemetry import RollingRate
from videostyle.studio.clips import encoded

QUALITY = 85
PATIENCE = 5.0  # seconds that a browser waits for the next picture


class Pictures:
    """An output of a live run that keeps the newest picture. Several threads may wait for it.

    Attributes:
        rate: pictures a second, lately.
        delay: seconds from capture to here, of the last one.
        size: width and height, pixels.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._picture = b""
        self._number, self._captured = 0, 0.0
        self._rate = RollingRate()
        self._closed = False
        self.delay = 0.0
        self.size = (0, 0)

    @property
    def rate(self) -> float:
        """Pictures a second, lately."""
        return self._rate.value

    def open(self, width: int, height: int, fps: float) -> None:
        """Notes the size."""
        self.size = width, height

    def write(self, frame: LiveFrame) -> None:
        """Takes a painted frame."""
        data = encoded(frame.picture, "jpeg", QUALITY)
        now = time.monotonic()
        with self._changed:
            self._picture, self._captured = data, frame.captured
            self._number += 1
            self.delay = now - frame.captured
            self._rate.add(now)
            self._changed.notify_all()

    def after(self, number: int, captured: float = 0.0) -> tuple[int, bytes] | None:
        """Waits up to ``PATIENCE`` seconds for a picture behind the one of that number.

        Args:
            number: of the last picture that was seen; 0 = none.
            captured: it was captured then or later, seconds of ``time.monotonic``.

        Returns:
            Its number, and a JPEG; None if none has come.
        """
        end = time.monotonic() + PATIENCE
        with self._changed:
            while not self._closed and (self._number <= number or self._captured < captured):
                if not self._changed.wait(max(0.0, end - time.monotonic())) and time.monotonic() >= end:
                    return None
            return None if self._closed else (self._number, self._picture)

    @property
    def closed(self) -> bool:
        """Whether no more will come."""
        return self._closed

    def close(self) -> None:
        """Ends it. May be called twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
