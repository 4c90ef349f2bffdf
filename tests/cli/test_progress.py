"""Progress on stderr: bars that nothing collides with, logs of few lines."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
import time

import pytest
import tqdm.std

from videostyle.cli import progress
from videostyle.cli.progress import Bars


def screen(written: str) -> list[str]:
    """The lines that a terminal shows in the end."""
    lines = []
    for line in written.split("\n"):
        cells = ""
        for part in line.split("\r"):
            cells = part + cells[len(part) :]
        lines.append(cells.rstrip())
    return [line for line in lines if line]


class Clock:
    """Time as the bars and tqdm see it; it moves only when told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(progress.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(tqdm.std, "time", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Terminal(io.StringIO):
    """A terminal on which bars are drawn when ``look`` is called, and by no thread meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.bars = Bars(False, self, live=True)
        self.bars._ticker = progress.threading.Thread()
        self.bars._ticker.start()

    def look(self) -> str:
        """The line at the bottom, drawn anew, without the bar; where there is a bar, it fills the line and is right."""
        self.bars._show()
        line = self.getvalue().rsplit("\r", 1)[-1].rstrip()
        assert len(line) <= progress.COLUMNS
        if bar := re.search(r" (\d+) % \|(.+)\| ", line):
            assert len(line) == progress.COLUMNS
            assert bar[2].count("#") / len(bar[2]) == pytest.approx(int(bar[1]) / 100, abs=1 / len(bar[2]))
            line = line.replace(f"|{bar[2]}| ", "")
        return line


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
    assert re.fullmatch(r"painting: 6 frames in 00:00, [\d.]+ frames/s", shown[3])
    assert shown[4:] == ["after"]
    assert sys.stderr is stream
    assert handler.stream is stream


def test_a_bar_lives_while_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "TICK", 0.02)
    stream = io.StringIO()
    with Bars(False, stream, live=True) as bars:
        bars.note("loading TensorFlow")
        bars._bar.start_t -= 5
        time.sleep(0.2)
        drawn = stream.getvalue()
        bars.note("loading TensorFlow")  # as before: it goes on
        bars._show()
        assert "loading TensorFlow 00:0" in stream.getvalue().rsplit("\r", 1)[-1]
        assert "00:00" not in stream.getvalue().rsplit("\r", 1)[-1]
    assert "loading TensorFlow 00:05" in drawn
    assert screen(stream.getvalue()) == []  # nothing was counted: nothing stays


def test_a_bar_says_how_far_how_fast_and_how_long(clock: Clock) -> None:
    terminal = Terminal()
    terminal.bars("paint", 0, 40)
    assert terminal.look() == "painting   0 % 0 of 40 frames"
    clock.now += 5.0
    terminal.bars("paint", 10, 40)
    assert terminal.look() == "painting  25 % 10 of 40 frames, 2.0 frames/s, 00:15 left"
    clock.now += 1.0
    terminal.bars("paint", 30, 40)
    assert re.search(r"painting 100 % 40 of 40 frames, [\d.]+ frames/s$", terminal.look())
    terminal.bars("paint", 1, 40)
    assert re.fullmatch(r"painting 41 frames, [\d.]+ frames/s", terminal.look())  # the total was too low
    terminal.bars.close()
    assert screen(terminal.getvalue()) == ["painting: 41 frames in 00:06, 6.8 frames/s"]


def test_slow_work_is_said_in_seconds_each(clock: Clock) -> None:
    terminal = Terminal()
    terminal.bars("paint", 0, 10)
    clock.now += 8.0
    terminal.bars("paint", 2, 10)
    assert terminal.look().endswith("2 of 10 frames, 4.0 s each, 00:32 left")
    terminal.bars.close()
    assert screen(terminal.getvalue()) == ["painting: 2 frames in 00:08, 4.0 s each"]


def test_a_bar_that_stands_still_says_that_it_is_alive(clock: Clock) -> None:
    terminal = Terminal()
    terminal.bars("train", 0, None)
    clock.now += 2.0
    assert terminal.look() == "learning 0 steps"
    clock.now += 6.0
    assert terminal.look() == "learning 0 steps, working 00:08"
    terminal.bars("train", 500, 500)
    assert "working" not in terminal.look()
    clock.now += 28.0
    assert terminal.look().endswith("500 of 500 steps, 62.5 steps/s, working 00:28")
    terminal.bars.note("finishing")
    assert terminal.look().endswith("500 of 500 steps, finishing 00:36")


def test_a_log_gets_few_lines(clock: Clock) -> None:
    stream = io.StringIO()
    bars = Bars(False, stream, live=False)
    for _ in range(10_000):  # 10,000 frames in three hours
        clock.now += 1.08
        bars("paint", 1, 10_000)
    bars.close()
    lines = stream.getvalue().splitlines()
    assert 10 <= len(lines) <= 40
    assert lines[0] == "painting 10000 frames ..."
    assert re.fullmatch(r"painting   \d % \d+ of 10000 frames, 1\.1 s each, 2:\d\d:\d\d left", lines[1])
    assert "\r" not in stream.getvalue()
    assert "|" not in stream.getvalue()


def test_what_an_earlier_run_painted_is_said_and_not_counted_into_the_rate(clock: Clock) -> None:
    stream = io.StringIO()
    bars = Bars(False, stream, live=False)
    bars("resume", 240, 420)
    clock.now += 30.0
    bars("paint", 60, 420)
    bars.close()
    assert stream.getvalue().splitlines() == [
        "Continuing at frame 240 of 420",
        "painting 420 frames ...",
        "painting  71 % 300 of 420 frames, 2.0 frames/s, 01:00 left",
        "painting: 300 frames in 00:30, 2.0 frames/s",
    ]


def test_a_bar_on_the_axis_of_time_holds_what_came_before(clock: Clock) -> None:
    terminal = Terminal()
    terminal.bars.note("measuring the painting")
    clock.now += 30.0
    assert terminal.look() == "measuring the painting 00:30"
    terminal.bars.timed("train", 0, 100, left=90.0)
    assert terminal.look() == "learning  25 % 0 of 100 steps, 01:30 left"
    terminal.bars.timed("train", 1, 100, left=90.0)
    assert terminal.look().startswith("learning  25 % 1 of 100 steps, 30.0 s each, 01:30 left")
    clock.now += 30.0
    assert "learning  50 % " in terminal.look()
    assert " 01:00 left" in terminal.look()
    clock.now += 440.0
    assert "learning  99 % " in terminal.look()  # never full before the end
    assert " 00:05 left" in terminal.look()
    terminal.bars.timed("train", 1000, 1000, left=-1.0)
    assert "1000 of 1000 steps, 2.0 steps/s, 00:05 left" in terminal.look()
    terminal.bars.close()
    assert screen(terminal.getvalue()) == ["learning: 1000 steps in 08:20, 2.0 steps/s"]


def test_a_time_that_is_known_beforehand_is_one_bar_from_the_beginning(clock: Clock) -> None:
    terminal = Terminal()
    terminal.bars.timed("train", 0, None, left=100.0)
    terminal.bars.note("loading TensorFlow")
    clock.now += 10.0
    assert terminal.look() == "learning  10 % 0 steps, loading TensorFlow, 01:30 left"
    terminal.bars.note("measuring the painting")
    clock.now += 10.0
    assert terminal.look() == "learning  20 % 0 steps, measuring the painting, 01:20 left"
    clock.now += 60.0
    terminal.bars.timed("train", 60, 75, left=20.0)
    assert terminal.look() == "learning  80 % 60 of 75 steps, 1.3 s each, 00:20 left"
    terminal.bars.note("finishing")
    clock.now += 18.0
    assert terminal.look() == "learning  98 % 60 of 75 steps, finishing, 00:02 left"
    terminal.bars.close()
    assert screen(terminal.getvalue()) == ["learning: 60 steps in 01:38, 1.6 s each"]


def test_a_bar_is_as_wide_as_the_terminal_at_most(clock: Clock) -> None:
    if not hasattr(os, "openpty"):
        pytest.skip("no pseudo terminals here")
    import fcntl
    import struct
    import termios

    ours, theirs = os.openpty()
    try:
        with os.fdopen(theirs, "w", encoding="utf-8") as stream:
            for lines, columns, widest in ((25, 70, 70), (0, 70, 70), (0, 0, progress.COLUMNS)):
                fcntl.ioctl(stream, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
                with Bars(False, stream) as bars:
                    bars("plan", 0, 10_000)
                    clock.now += 60
                    bars("plan", 5_000, 10_000)
                stream.write("END")
                stream.flush()
                drawn = b""
                while not drawn.endswith(b"END"):  # a terminal hands over in pieces what was written
                    drawn += os.read(ours, 100_000)
                shown = drawn.removesuffix(b"END").decode()
                assert widest - 1 <= max(len(line) for line in shown.split("\r")) <= widest
                assert "█" in shown
    finally:
        os.close(ours)


def test_a_terminal_that_fails_stops_the_bar_and_not_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.StringIO):
        fails = False

        def write(self, text: str) -> int:
            if self.fails:
                raise BlockingIOError("the terminal takes no more")
            return super().write(text)

    stream = Failing()
    bars = Bars(False, stream, live=True)
    bars._ticker = progress.threading.Thread()
    bars._ticker.start()
    bars("paint", 1, 10)
    stream.fails = True

    failed, closed = progress.threading.Event(), progress.threading.Event()

    def draw() -> None:
        with pytest.raises(BlockingIOError):
            bars._show()
        failed.set()
        closed.wait(10)  # a lock that it holds stays its own

    drawing = progress.threading.Thread(target=draw)
    drawing.start()
    assert failed.wait(5)
    stream.fails = False
    closing = progress.threading.Thread(target=bars.close, daemon=True)
    closing.start()
    closing.join(5)
    closed.set()
    drawing.join()
    assert not closing.is_alive()
    assert "painting: 1 frame in" in stream.getvalue()


def test_tqdm_is_loaded_with_the_first_bar_only() -> None:
    code = (
        "import sys; from videostyle.cli.progress import Bars\n"
        "with Bars(False) as bars: bars.say('x')\n"
        "assert 'tqdm' not in sys.modules; bars.note('y'); assert 'tqdm' in sys.modules; bars.close()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_quiet_is_quiet() -> None:
    stream = io.StringIO()
    with Bars(True, stream, live=True) as bars:
        bars("paint", 1, 2)
        bars.note("x")
        bars.say("y")
        bars.timed("train", 1, 2, 3.0)
    assert stream.getvalue() == ""
