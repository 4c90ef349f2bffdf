"""Selects frames by their times: between two points, and at a constant rate."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from videostyle.frames import UInt8Array
from videostyle.media.timecode import TimePoint

# A frame as its decoder gives it, uint8 [H, W, 3], and the time at which it is shown, in seconds on the file's clock.
Frame = tuple[UInt8Array, float]
ROUNDING = 1e-9  # seconds; floats that should be equal differ by less


def trim(
    frames: Iterator[Frame],
    start: TimePoint | None,
    end: TimePoint | None,
    *,
    first_number: int = 0,
    origin: float | None = None,
) -> Iterator[Frame]:
    """Passes on the frames from ``start`` up to ``end``.

    Args:
        frames: consecutive frames of a file.
        start: the first frame to pass on; None = all.
        end: the frame at which to stop, which is not passed on; None = never.
        first_number: number, in the file, of the first of ``frames``. It matters only where ``start`` or ``end`` is a
            frame number.
        origin: when the first frame of the file is shown, seconds; None = when the first of ``frames`` is.
    """
    for number, (picture, time) in enumerate(frames, first_number):
        origin = time if origin is None else origin
        if end is not None and end.reached(time - origin, number):
            return
        if start is None or start.reached(time - origin, number):
            yield picture, time


def at_constant_rate(
    frames: Iterator[Frame], rate: Fraction, last_duration: float, *, origin: float | None = None, first_tick: int = 0
) -> Iterator[Frame]:
    """Repeats and drops frames, so that at each tick of ``rate`` there is the frame that is shown then.

    Args:
        frames: begin at or before the first tick.
        rate: ticks a second.
        last_duration: for how long the last frame is shown, seconds. The number of ticks is rounded to the nearest.
        origin: time of tick 0, seconds; None = that of the first of ``frames``.
        first_tick: number of the first tick.
    """
    held: Frame | None = None
    tick = first_tick
    for frame in frames:
        origin = frame[1] if origin is None else origin
        while held is not None and origin + float(tick / rate) < frame[1] - ROUNDING:
            yield held[0], origin + float(tick / rate)
            tick += 1
        held = frame
    if held is not None and origin is not None:
        end = held[1] + last_duration
        while tick == 0 or origin + float((tick + Fraction(1, 2)) / rate) <= end + ROUNDING:
            yield held[0], origin + float(tick / rate)
            tick += 1
