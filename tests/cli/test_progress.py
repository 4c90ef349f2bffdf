"""Progress on stderr: bars that nothing collides with, logs of few lines."""

from __future__ import annotations

import io
import logging
import re
import sys
import time

import pytest

from videostyle.cli import progress
from videostyle.cli.progress import Bars, duration


def screen(written: str) -> list[str]:
    """The lines that a terminal shows in the end."""
    lines = []
    for line in written.split("\n"):
        cells = ""
        for part in line.split("\r"):
            cells = part + cells[len(part) :]
        lines.append(cells.rstrip())
    return [line for line in lines if line]


@pytest.mark.parametrize(("seconds", "text"), [(-0.4, "0:00"), (5, "0:05"), (750, "12:30"), (3723, "1:02:03")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_messages_stand_above_the_bar_whoever_prints_them(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    try:
        with Bars(False, live=True) as bars:
            bars("paint", 3, 10)
            print("a word in between", file=sys.stderr)
            logging.getLogger("videostyle").warning("a warning")
            bars.say("said")
            bars("paint", 3, 10)
        print("after", file=sys.stderr)
    finally:
        logging.getLogger().removeHandler(handler)
    shown = screen(stream.getvalue())
    assert shown[:3] == ["a word in between", "a warning", "said"]
    assert re.fullmatch(r"painting: 6 frames in 0:00, [\d.]+ frames/s", shown[3])
    assert shown[4:] == ["after"]
    assert sys.stderr is stream
    assert handler.stream is stream


def test_a_bar_lives_while_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "TICK", 0.02)
    stream = io.StringIO()
    with Bars(False, stream, live=True) as bars:
        bars.note("loading TensorFlow")
        bars._began -= 5
        time.sleep(0.2)
        drawn = stream.getvalue()
    assert "loading TensorFlow 0:05" in drawn
    assert screen(stream.getvalue()) == []  # nothing was counted: nothing stays


def test_a_bar_that_stands_still_says_that_it_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    bars = Bars(False, io.StringIO(), live=True)
    bars._ticker = progress.threading.Thread()  # none: time stands still here
    bars("train", 0, None)
    now[0] = 2.0
    assert "working" not in bars._text()
    now[0] = 8.0
    assert bars._text().endswith("working 0:08")
    bars("train", 500, 500)
    assert "working" not in bars._text()
    now[0] = 36.0
    assert bars._text().endswith("working 0:28")


def test_a_log_gets_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    bars = Bars(False, stream, live=False)
    for _ in range(10_000):  # 10,000 frames in three hours
        now[0] += 1.08
        bars("paint", 1, 10_000)
    bars.close()
    lines = stream.getvalue().splitlines()
    assert 10 <= len(lines) <= 40
    assert lines[0] == "painting 10000 frames ..."
    assert "left" in lines[1]
    assert "\r" not in stream.getvalue()


def test_what_an_earlier_run_painted_is_said_and_not_counted_into_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    bars = Bars(False, stream, live=False)
    bars("resume", 240, 420)
    now[0] = 30.0
    bars("paint", 60, 420)
    bars.close()
    assert stream.getvalue().splitlines() == [
        "Continuing at frame 240 of 420",
        "painting 420 frames ...",
        "painting  71 % 300 of 420 frames, 2.0 frames/s, 1:00 left",
        "painting: 300 frames in 0:30, 2.0 frames/s",
    ]


def test_a_bar_on_the_axis_of_time_holds_what_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    bars = Bars(False, io.StringIO(), live=True)
    bars._ticker = progress.threading.Thread()  # none: time stands still here
    bars.note("measuring the painting")
    now[0] = 30.0
    bars.timed("train", 1, 100, left=90.0)
    assert bars._share() == pytest.approx(0.25)
    now[0] = 60.0
    assert bars._share() == pytest.approx(0.5)
    assert "1:00 left" in bars._text()
    now[0] = 500.0
    assert bars._share() == 0.99  # never full before the end
    assert "0:00 left" in bars._text()


def test_quiet_is_quiet() -> None:
    stream = io.StringIO()
    with Bars(True, stream, live=True) as bars:
        bars("paint", 1, 2)
        bars.note("x")
        bars.say("y")
        bars.timed("train", 1, 2, 3.0)
    assert stream.getvalue() == ""
