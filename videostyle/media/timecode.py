"""Points in a video as users write them: seconds, ``hh:mm:ss.fff`` or frame numbers such as ``120f``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from videostyle.errors import UsageError


@dataclass(frozen=True)
class TimePoint:
    """A point in a video: ``seconds`` from its first frame, or a ``frame`` number counted from 0."""

    seconds: float | None = None
    frame: int | None = None

    def reached(self, seconds: float, frame: int) -> bool:
        """Whether a frame that is shown at ``seconds`` after the first and has number ``frame`` is at or past it."""
        if self.frame is not None:
            return frame >= self.frame
        return seconds >= (self.seconds or 0.0) - 1e-9


def parse(text: str) -> TimePoint:
    """Reads ``12.5``, ``1:02:03.5``, ``2:03`` or ``120f``.

    Raises:
        UsageError: if it is none of these.
    """
    value = text.strip()
    if re.fullmatch(r"\d{1,9}f", value):
        return TimePoint(frame=int(value[:-1]))
    if re.fullmatch(r"(\d{1,4}:)?(\d{1,4}:)?\d{1,9}(\.\d{1,9})?", value):
        seconds = 0.0
        for part in value.split(":"):
            seconds = 60.0 * seconds + float(part)
        return TimePoint(seconds=seconds)
    raise UsageError(f"cannot read the time '{text}'", hint="give seconds (12.5), hh:mm:ss (0:01:30) or frames (120f)")
