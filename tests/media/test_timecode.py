"""Times and frame rates as users write them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from videostyle.errors import UsageError
from videostyle.media.timecode import TimePoint, nothing_between, parse_rate, parse_time


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("12.5", TimePoint(seconds=12.5)),
        ("1:02:03.5", TimePoint(seconds=3723.5)),
        ("2:03", TimePoint(seconds=123.0)),
        ("120f", TimePoint(frame=120)),
    ],
)
def test_times_are_read_as_written(text: str, point: TimePoint) -> None:
    assert parse_time(text) == point


@pytest.mark.parametrize("text", ["", "abc", "-1", "1:2:3:4", "12ff", "1e3"])
def test_times_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_time(text)


@pytest.mark.parametrize("value", [12, 12.0, np.float32(12), np.int64(12), "12", "0:12", TimePoint(seconds=12.0)])
def test_numbers_are_seconds(value: Any) -> None:
    assert parse_time(value) == TimePoint(seconds=12.0)


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), True, None, [1]])
def test_other_values_are_no_times(value: Any) -> None:
    with pytest.raises(UsageError, match="hh:mm:ss"):
        parse_time(value)


@pytest.mark.parametrize(
    ("value", "rate"),
    [
        ("25", Fraction(25)),
        (25, Fraction(25)),
        (25.0, Fraction(25)),
        (np.int64(25), Fraction(25)),
        ("29.97", Fraction(30000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (29.97002997, Fraction(30000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (119.88, Fraction(120000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        ("2997/100", Fraction(2997, 100)),
        (Fraction(2997, 100), Fraction(2997, 100)),
        (12.5, Fraction(25, 2)),
        (33.3333333, Fraction(100, 3)),
        ("1000", Fraction(1000)),
    ],
)
def test_rates_are_read_alike_as_text_and_as_numbers(value: Any, rate: Fraction) -> None:
    assert parse_rate(value) == rate


@pytest.mark.parametrize("value", ["", "x", "1/0", "0", "-25", 0, -1.0, 1001, "1000.01", float("nan"), True, None])
def test_rates_that_are_none_are_refused(value: Any) -> None:
    with pytest.raises(UsageError, match=r"29.97 or 30000/1001"):
        parse_rate(value)


@pytest.mark.parametrize(
    ("start", "end", "length", "nothing"),
    [
        (None, None, 10.0, False),
        ("2", "1", None, True),
        ("1", "2", 10.0, False),
        ("5f", "5f", None, True),
        ("5f", "6f", None, False),
        (None, "0f", None, True),
        (None, "0", None, True),
        ("5f", "1", None, False),  # in frames and in seconds: not known
        ("12", None, 10.0, True),
        ("10.5", None, 10.0, False),  # a length is not exact
        ("12", None, None, False),
    ],
)
def test_parts_that_hold_no_frame_are_known(start: str, end: str, length: float | None, nothing: bool) -> None:
    first, last = (None if text is None else parse_time(text) for text in (start, end))
    assert nothing_between(first, last, length) is nothing
