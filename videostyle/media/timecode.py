"""Reads times and frame rates as users write them; the only parser of both.

A time is a number of seconds, ``hh:mm:ss.fff`` or a frame number such as ``120f``. A rate is ``25``, ``29.97`` or
``30000/1001``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real

from videostyle.errors import UsageError

LARGEST_RATE = 1000  # frames per second
# The NTSC rates, which are usually written as decimals with two or three places.
BROADCAST_RATES = tuple(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120))
LARGEST_DENOMINATOR = 1001  # of a rate given as a decimal: 33.333333 is 100/3

TIME_HINT = "give seconds (12.5), hh:mm:ss (0:01:30) or a frame (120f)"
RATE_HINT = f"give frames a second, above 0 and at most {LARGEST_RATE}, as 25, 29.97 or 30000/1001"


@dataclass(frozen=True)
class TimePoint:
    """A point in a video: ``seconds`` from its first frame, or a ``frame`` number counted from 0."""

    seconds: float | None = None
    frame: int | None = None

    def __str__(self) -> str:
        return f"frame {self.frame}" if self.frame is not None else f"{self.seconds or 0.0:g} s"

    def reached(self, seconds: float, frame: int) -> bool:
        """Whether a frame that is shown at ``seconds`` after the first and has number ``frame`` is at or past it."""
        if self.frame is not None:
            return frame >= self.frame
        return seconds >= (self.seconds or 0.0) - 1e-9


def nothing_between(start: TimePoint | None, end: TimePoint | None, length: float | None) -> bool:
    """Whether no frame can lie between two points, as far as can be told without decoding.

    Args:
        start: None = the beginning.
        end: None = the end.
        length: of the video, seconds, to within a second; None = unknown.
    """
    first, last = start or TimePoint(frame=0), end or TimePoint()
    if first.seconds is not None and length is not None and first.seconds > length + 1.0:
        return True
    if first.frame is not None and last.frame is not None:
        return last.frame <= first.frame
    return last.seconds is not None and last.seconds <= (first.seconds or 0.0)


def parse_time(value: str | float | TimePoint) -> TimePoint:
    """Reads ``12.5``, ``"1:02:03.5"``, ``"2:03"`` or ``"120f"``.

    Raises:
        UsageError: if it is none of these.
    """
    if isinstance(value, TimePoint):
        return value
    if isinstance(value, Real) and not isinstance(value, bool) and 0 <= value < math.inf:
        return TimePoint(seconds=float(value))
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"\d{1,9}f", text):
        return TimePoint(frame=int(text[:-1]))
    if re.fullmatch(r"(\d{1,4}:)?(\d{1,4}:)?\d{1,9}(\.\d{1,9})?", text):
        seconds = 0.0
        for part in text.split(":"):
            seconds = 60.0 * seconds + float(part)
        return TimePoint(seconds=seconds)
    raise UsageError(f"cannot read the time {value!r}", hint=TIME_HINT)


def parse_rate(value: str | float | Fraction) -> Fraction:
    """Reads a frame rate, in frames per second.

    Decimals near a broadcast rate mean that rate: 29.97 is 30000/1001, and 23.976 is 24000/1001. Fractions are taken
    as they are.

    Raises:
        UsageError: if it cannot be read, or lies outside 0..``LARGEST_RATE``.
    """
    try:
        exact = isinstance(value, Fraction) or (isinstance(value, str) and "/" in value)
        # A float has the decimals that were typed only in its shortest text.
        rate = Fraction(str(value)) if not isinstance(value, bool) else Fraction(0)
    except (ValueError, ZeroDivisionError):
        rate, exact = Fraction(0), True
    if not exact and rate.denominator != 1:
        near = (known for known in BROADCAST_RATES if abs(known - rate) < Fraction(1, 100))
        rate = next(near, rate.limit_denominator(LARGEST_DENOMINATOR))
    if not 0 < rate <= LARGEST_RATE:
        raise UsageError(f"cannot use the rate {value!r}", hint=RATE_HINT)
    return rate
