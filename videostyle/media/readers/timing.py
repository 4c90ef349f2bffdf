"""Selects frames by their times: between two points, and at a constant rate."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from videostyle.frames import AnyArray
from videostyle.media.timecode import TimePoint

# A frame as its decoder gives it, uint8 or uint16 [H, W, 3 or 4], and the time at which it is shown, in seconds on the
# file's clock.
Frame = tuple[AnyArray, float]
BLINK = 0.02  # seconds; half a frame at 25 a second
ROUNDING = 1e-9  # seconds; floats that should be equal differ by less


def trim(
    frames: Iterator[Frame],
    start: TimePoint | None,
    end: TimePoint | None,
    *,
    first_number: int = 0,
    origin: float | None = None,
    until: float | None = None,
) -> Iterator[Frame]:
    """Passes on the frames from ``start`` up to ``end``.

    At a time between two frames the earlier one is on the screen: it is passed on, as shown from ``start`` on, unless
    less than half of it is left, and no more than ``BLINK``.

    Args:
        frames: consecutive frames of a file.
        start: the first frame to pass on; None = all.
        end: the frame at which to stop, which is not passed on; None = never.
        first_number: number, in the file, of the first of ``frames``. It matters only where ``start`` or ``end`` is a
            frame number.
        origin: when the first frame of the file is shown, seconds; None = when the first of ``frames`` is.
        until: when the last frame of the file stops being shown, seconds; None = when it begins.
    """
    showing: Frame | None = None  # the last frame before ``start``
    begun = start is None
    begin = 0.0
    number = first_number
    for number, (picture, time) in enumerate(frames, first_number):
        origin = time if origin is None else origin
        begin = origin + (start.seconds or 0.0) if start is not None else 0.0
        over = end is not None and end.reached(time - origin, number)
        if not begun and (over or (start is not None and start.reached(time - origin, number))):
            begun = True
            shown_to = time if not over or end is None or end.seconds is None else origin + end.seconds
            if showing is not None and start is not None and start.frame is None:
                shortest = min(0.5 * (time - showing[1]), BLINK)
                if shown_to - begin >= shortest + ROUNDING:
                    yield showing[0], begin
        if over:
            return
        if begun:
            yield picture, time
        else:
            showing = picture, time
    held = not begun and showing is not None and start is not None and start.frame is None
    if held and showing is not None and until is not None and begin < until - ROUNDING:
        yield showing[0], begin


def at_constant_rate(
    frames: Iterator[Frame],
    rate: Fraction,
    last_duration: float,
    *,
    origin: float | None = None,
    first_tick: int = 0,
    until: float | None = None,
) -> Iterator[Frame]:
    """Repeats and drops frames, so that at each tick of ``rate`` there is the frame that is shown then.

    Args:
        frames: begin at or before the first tick.
        rate: ticks a second.
        last_duration: for how long the last frame is shown, seconds. The number of ticks is rounded to the nearest.
        origin: time of tick 0, seconds; None = that of the first of ``frames``.
        first_tick: number of the first tick.
        until: when the last frame stops being shown, seconds; None = ``last_duration`` after it begins.
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
        end = held[1] + last_duration if until is None else max(until, held[1])
        while tick == 0 or origin + float((tick + Fraction(1, 2)) / rate) <= end + ROUNDING:
            yield held[0], origin + float(tick / rate)
            tick += 1
