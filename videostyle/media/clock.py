"""Corrects jumps in the clock of streams: of broadcasts that were cut, joined or restarted.

In such formats a time that is far from the one before it is not a gap but another clock; ffmpeg's own program
treats it so as well (``ts_discontinuity_process`` in its ``ffmpeg_demux.c``). Each run of times on one clock is a
``Segment``; what is added to its times lets it follow the segment before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

# Formats, in ffmpeg's names, whose clocks may jump.
JUMPING = ("mpegts", "mpeg", "mpegvideo", "mpegtsraw")
LONGEST_GAP = 10.0  # seconds; a longer one is a jump
BACKWARDS = 0.1  # seconds; times that fall by more are a jump
NUDGED = Fraction(1)  # seconds; packets that come earlier than the one before by more are left out
FITS = 1.0  # seconds; how far from a segment of the picture the sound that belongs to it may lie


@dataclass(frozen=True)
class Segment:
    """A run of packets on one clock.

    Attributes:
        first: earliest presentation time, seconds on the file's clock.
        last: latest presentation time.
        offset: what is added to them, seconds.
    """

    first: float
    last: float
    offset: float


class SegmentFinder:
    """Finds the segments of a stream, packet by packet in the order of the file.

    Args:
        step: usual duration of a packet, seconds.
    """

    def __init__(self, step: float) -> None:
        self._step = step
        self._segments: list[list[float]] = []
        self._last: float | None = None  # decoding time of the packet before, put right
        self._expected = 0.0

    def add(self, decoded: float, shown: float, duration: float) -> float:
        """Takes the next packet.

        Args:
            decoded: decoding time, seconds on the file's clock.
            shown: presentation time.
            duration: seconds; 0 = unknown.

        Returns:
            What is added to its times.
        """
        offset = self._segments[-1][2] if self._segments else 0.0
        if self._last is not None:
            error = decoded + offset - self._expected
            if abs(error) > LONGEST_GAP or decoded + offset < self._last - BACKWARDS:
                offset -= error
                self._segments.append([shown, shown, offset])
        if not self._segments:
            self._segments.append([shown, shown, 0.0])
        segment = self._segments[-1]
        segment[0], segment[1] = min(segment[0], shown), max(segment[1], shown)
        self._last = decoded + offset
        self._expected = self._last + (duration or self._step)
        return offset

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Those found so far."""
        return tuple(Segment(*values) for values in self._segments)


class SteadyClock:
    """Puts times of one stream right, one after the other.

    Args:
        segments: of the picture. None or one: all times stay.
        slack: how far outside a segment a time may lie that still belongs to it, seconds.
    """

    def __init__(self, segments: Sequence[Segment], slack: float = 1e-4) -> None:
        self._segments, self._slack = list(segments), slack
        self._at = 0
        self._last: float | None = None

    def offset(self, time: float) -> float:
        """What is to be added to the next time.

        Args:
            time: of a frame or packet, seconds on the file's clock, at most ``BACKWARDS`` earlier than the one before
                it if both are of one segment.
        """
        if len(self._segments) < 2:
            return 0.0
        fell = self._last is not None and time < self._last - BACKWARDS
        here = self._distance(self._at, time)
        if self._at + 1 < len(self._segments) and (fell or here > self._slack):
            following = min(range(self._at + 1, len(self._segments)), key=lambda at: (self._distance(at, time), at))
            if self._distance(following, time) < here or fell:
                self._at = following
        self._last = time
        return self._segments[self._at].offset

    def _distance(self, at: int, time: float) -> float:
        segment = self._segments[at]
        return max(0.0, segment.first - time, time - segment.last)


def steady(times: Iterable[float], segments: Sequence[Segment]) -> list[float]:
    """Times in order, each put right."""
    clock = SteadyClock(segments)
    return [time + clock.offset(time) for time in times]


class DecodingOrder:
    """Makes the decoding times of a stream that is copied rise, as every container demands.

    A time that is not later than the one before it is moved behind it; if it lies far before it, its packet belongs
    elsewhere and is left out.

    Args:
        base: seconds in a tick of the stream's clock.
    """

    def __init__(self, base: Fraction) -> None:
        self._nudge = max(1, round(NUDGED / base))
        self._last: int | None = None

    def next(self, shown: int | None, decoded: int | None) -> tuple[int | None, int | None] | None:
        """Takes the times of the next packet, ticks.

        Returns:
            Presentation and decoding time to store; None if the packet is to be left out.
        """
        time = decoded if decoded is not None else shown
        if time is None:
            return None
        if self._last is not None and time <= self._last:
            if time < self._last - self._nudge:
                return None
            time = self._last + 1
        self._last = time
        return (None if shown is None else max(shown, time)), time
