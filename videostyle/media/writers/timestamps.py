"""Timestamps of a video's packets: on the clock of the container, in presentation and in decoding order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

EXACT_CLOCK = (".mp4", ".m4v", ".mov")  # containers that store any time base
FINE_CLOCK = Fraction(1, 90_000)  # seconds; the clock of MPEG, finer than any usual frame rate
FINEST_CLOCK = Fraction(1, 100_000)  # seconds; a clock that is finer is kept even if two frames share a tick
DEFAULT_RATE = Fraction(25)  # frames a second where a container does not say


def presentation_ticks(
    times: Sequence[float], origin: float, suffix: str, time_base: Fraction, rate: Fraction | None
) -> tuple[list[int], Fraction]:
    """Converts frames' times to ticks of the container's clock.

    Args:
        times: when each frame is shown, seconds, rising.
        origin: the time that becomes 0.
        suffix: of the file, in lower case; it decides the clock.
        time_base: clock of the input, seconds; kept where the container can.
        rate: average frames a second; None = unknown.

    Returns:
        Ticks, strictly rising, and the clock: seconds in a tick.
    """
    if suffix == ".avi":
        # Its clock ticks once a frame, and its first frame is always shown at 0: a fraction of a tick cannot be kept.
        base = 1 / (rate or DEFAULT_RATE)
        return _rising(times, times[0] - math.floor((times[0] - origin) / base) * float(base), base), base
    if suffix not in EXACT_CLOCK:
        base = FINE_CLOCK if suffix == ".ts" else Fraction(1, 1000)
        return _rising(times, origin, base), base
    rounded = [round((time - origin) / time_base) for time in times]
    if time_base > FINEST_CLOCK and any(later <= tick for tick, later in pairwise(rounded)):
        time_base = FINE_CLOCK  # the input's clock is too coarse to tell all frames apart
    return _rising(times, origin, time_base), time_base


def _rising(times: Sequence[float], origin: float, base: Fraction) -> list[int]:
    """Times as ticks, each rounded to the nearest that is later than the one before."""
    ticks: list[int] = []
    for time in times:
        tick = round((time - origin) / base)
        ticks.append(max(tick, ticks[-1] + 1) if ticks else tick)
    return ticks


def decoding_ticks(ranks: Sequence[int], ticks: Sequence[int]) -> list[int]:
    """When each packet is decoded: rising, and never later than its frame is shown.

    An encoder stores a frame that others refer to before them. All packets are decoded earlier by the largest such
    distance, so that each is there in time.

    Args:
        ranks: for each packet, in decoding order, the place of its frame in presentation order.
        ticks: when each frame is shown, in presentation order.
    """
    delay = max((number - rank for number, rank in enumerate(ranks)), default=0)
    step = max(1, ticks[1] - ticks[0]) if len(ticks) > 1 else 1
    return [
        min(ticks[number - delay] if number >= delay else ticks[0] + (number - delay) * step, ticks[rank])
        for number, rank in enumerate(ranks)
    ]


def durations(ticks: Sequence[int], base: Fraction, rate: Fraction | None, end: int | None = None) -> list[int]:
    """How long each frame is shown, in ticks.

    Args:
        ticks: when each frame is shown.
        base: seconds in a tick.
        rate: average frames a second, for a single frame; None = unknown.
        end: when the last frame stops being shown, ticks; None = it is shown for as long as the one before it.
    """
    between = [later - tick for tick, later in pairwise(ticks)]
    last = between[-1] if between else max(1, round(1 / ((rate or DEFAULT_RATE) * base)))
    if end is not None and end > ticks[-1]:
        last = end - ticks[-1]
    return [*between, last]


def shift_warning(times: Sequence[float], shown: Sequence[float], tick: float, suffix: str) -> list[str]:
    """A warning if frames are shown noticeably too early or too late, by more than the container's clock rounds.

    Args:
        times: when each frame should be shown, seconds.
        shown: when it is shown, seconds from any origin.
        tick: of the container's clock, seconds.
        suffix: of the file, for the message.
    """
    errors = [time - times[0] - (actual - shown[0]) for time, actual in zip(times, shown, strict=True)]
    worst = max(map(abs, errors))
    if worst <= 0.6 * tick + 0.002:
        return []
    return [
        f"{suffix} keeps no variable frame rate: frames are shown up to {worst:.2f} s early or late "
        "(choose .mp4 or .mkv, or a constant rate with `fps`)"
    ]
