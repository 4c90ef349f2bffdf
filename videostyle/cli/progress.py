"""Progress on stderr: a bar of tqdm on a terminal; a line now and then in a log."""

from __future__ import annotations

import functools
import os
import sys
import threading
import time
from types import TracebackType
from typing import Any, ClassVar, TextIO

from videostyle.cli.standard import lasting

TICK = 0.5  # seconds between two drawings of a bar while nothing else happens
LOG_EVERY = 10.0  # seconds between two lines of a log, at least
LOG_SHARE = 0.05  # progress between two lines of a log, at least, unless LOG_LONGEST passed
LOG_LONGEST = 300.0  # seconds between two lines of a log, at most
STILL = 3.0  # seconds without progress after which the bar says that the program is at work all the same
SMOOTHING = 0.05  # weight of the last drawing in the rate: the first frames are slow, and the rest come in batches
COLUMNS, LINES = 79, 24  # size of a terminal that doesn't say
LONG_LINE = 1000  # width of a log
FULLEST = 0.99  # share of a bar on the axis of time, at most: it is never full before the end


@functools.cache
def _tqdm() -> Any:
    """The class of bars. It is made late, since help and refusals need none and start faster without tqdm."""
    from tqdm import tqdm

    class Bar(tqdm):
        monitor_interval = 0  # Bars has a thread that draws

        def refresh(self, nolock: bool = True, lock_args: Any = None) -> Any:
            # Bars holds its own lock. tqdm keeps its own shut if drawing fails or is interrupted, for ever.
            return super().refresh(nolock=True)

    Bar.set_lock(threading.RLock())  # what tqdm takes otherwise also locks out other processes, of which none draws
    return Bar


class Bars:
    """Shows how far each phase of the work is, one at a time: a new phase ends the one before it.

    On a terminal each phase is a bar of tqdm. It is drawn anew twice a second, so that it can be seen that the program
    is alive; whatever is printed meanwhile, also by the logger, appears above it. Elsewhere each phase gets a line when
    it begins and when it ends, and some between, which tqdm words as well but never draws.

    Args:
        quiet: show nothing.
        stream: where to; None = stderr.
        live: whether that is a terminal; None = found out.
    """

    UNITS: ClassVar = {"plan": "frames", "paint": "frames", "train": "steps", "evaluate": "frames", "styles": "styles"}
    TITLES: ClassVar = {
        "plan": "planning",
        "paint": "painting",
        "train": "learning",
        "evaluate": "comparing",
        "styles": "painting",
    }

    def __init__(self, quiet: bool, stream: TextIO | None = None, *, live: bool | None = None) -> None:
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._live = self._is_terminal(self._stream) if live is None else live
        self._lock = threading.RLock()
        self._phase = ""  # none, or a note alone
        self._bar: Any = None
        self._note = ""
        self._timed: tuple[int, int | None, float, float] | None = None  # steps done, of, seconds left, since when
        self._moved = self._logged = self._logged_share = 0.0
        self._own: TextIO | None = None
        self._redirected: list[tuple[Any, str, Any]] = []
        self._ticker: threading.Thread | None = None
        self._ended = threading.Event()

    @staticmethod
    def _is_terminal(stream: TextIO) -> bool:
        return bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM") != "dumb"

    # -- what callers report -----------------------------------------------------------------------------------------

    def __call__(self, phase: str, done: int, total: int | None) -> None:
        """Moves ``phase`` on by ``done`` towards ``total``, which may change on the way.

        The phase "resume" says how much of the next one was done by an earlier run.
        """
        if self._quiet:
            return
        with self._lock:
            if phase == "resume":
                self.say(f"Continuing at frame {done} of {total or '?'}")
                self._begin("paint", total, initial=done)
                done = 0
            elif phase != self._phase:
                self._begin(phase, total)
            self._bar.total, self._note = total, ""
            self._moved = time.monotonic() if done else self._moved
            self._show(done)

    def note(self, text: str, *, logged: bool = True) -> None:
        """Says what is going on where there is nothing to count, such as "loading TensorFlow".

        Args:
            text: what is going on.
            logged: whether a log gets a line of it.
        """
        if self._quiet or not (logged or self._live):
            return
        with self._lock:
            if not self._phase and self._note != text:
                self._begin("", None, title=text)
            self._note = text
            self._show()

    def timed(self, phase: str, done: int, total: int | None, left: float) -> None:
        """Sets ``phase`` to ``done`` of ``total`` steps, with ``left`` seconds to go: the bar shows time, not steps."""
        if self._quiet:
            return
        with self._lock:
            if phase != self._phase:
                began = self._bar.start_t if self._bar is not None and not self._phase else None
                self._begin(phase, total)
                if began is not None:
                    self._bar.start_t = began  # what came before belongs to the same wait
            self._moved, self._note = time.monotonic(), ""
            self._timed = done, total, left, self._moved
            self._show()

    def say(self, text: str) -> None:
        """Prints a line, above the bar if there is one."""
        if self._quiet:
            return
        with self._lock:
            if self._live and self._bar is not None:
                _tqdm().write(text, file=self._own or self._stream)
            else:
                self._write(text)

    def close(self) -> None:
        """Ends the phase: its line stays if frames or steps were counted in it. May be called twice."""
        with self._lock:
            self._finish_phase()
            self._ended.set()
            for target, name, value in self._redirected:
                setattr(target, name, value)
            self._redirected = []
        if self._ticker is not None and self._ticker is not threading.current_thread():
            self._ticker.join(2 * TICK)
        self._ticker = None
        if self._own is not None:
            self._own.close()
            self._own = None

    def __enter__(self) -> Bars:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- how it is shown ---------------------------------------------------------------------------------------------

    def _begin(self, phase: str, total: int | None, *, initial: int = 0, title: str = "") -> None:
        self._finish_phase()
        title = title or self.TITLES.get(phase, phase)
        self._phase, self._note, self._timed = phase, "", None
        self._moved = self._logged = time.monotonic()
        self._logged_share = 0.0
        if self._live and self._ticker is None:
            self._redirect()
            self._ended.clear()
            self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)
            self._ticker.start()
        elif not self._live:
            self._write(f"{title}{f' {total} {self._unit(total)}' if total else ''} ...")
        stream = self._own or self._stream
        self._bar = _tqdm()(
            desc=title,
            total=total,
            initial=initial,
            file=stream,
            bar_format="{desc}",
            smoothing=SMOOTHING,
            mininterval=TICK,
            miniters=1,
            position=0,
            delay=0 if self._live else float("inf"),  # in a log the bar words lines and is never drawn
            disable=False,
            **_size(stream, self._live),
        )

    def _unit(self, count: float = 0) -> str:
        unit = self.UNITS.get(self._phase, "steps")
        return unit.removesuffix("s") if count == 1 else unit

    def _redirect(self) -> None:
        """Lets everything that is written to stderr appear above the bar; the bar itself gets a stderr of its own.

        Loading TensorFlow holds back whatever is written to the process's stderr, for seconds.
        """
        import logging

        if self._stream is sys.stderr:
            try:
                self._own = lasting(os.dup(self._stream.fileno()), self._stream)
            except (OSError, ValueError):
                self._own = None
        above: Any = _Above(self, self._stream)
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is self._stream:
                self._redirected.append((handler, "stream", handler.stream))
                handler.stream = above
        if self._stream is sys.stderr:
            self._redirected.append((sys, "stderr", sys.stderr))
            sys.stderr = above

    def _tick(self) -> None:
        while not self._ended.wait(TICK):
            with self._lock:
                if self._bar is not None:
                    self._show()

    def _show(self, done: int = 0) -> None:
        """Moves the bar on by ``done`` and draws it; in a log, writes a line if it is time to."""
        bar = self._bar
        self._word(done)
        if done:
            bar.update(done)  # draws if it is time to
        elif self._live:
            bar.refresh()
        if self._live:
            return
        now, share = time.monotonic(), bar.n / bar.total if bar.total else 0.0
        since = now - self._logged
        if since >= LOG_EVERY and (share - self._logged_share >= LOG_SHARE or since >= LOG_LONGEST):
            self._logged, self._logged_share = now, share
            self._write(str(bar))

    def _word(self, coming: int) -> None:
        """Sets the text of the bar for when it has moved on by ``coming``."""
        bar, unit = self._bar, self._unit()
        if not self._phase:
            bar.bar_format = "{desc} {elapsed}"
            return
        if self._timed is None:
            reached = bar.n + coming
            if bar.total and reached > bar.total:
                bar.total = None  # the total was an estimate, and too low
            of, pace = "{n_fmt} of {total_fmt}" if bar.total else "{n_fmt}", self._pace(reached)
        else:
            steps, expected, left, since = self._timed
            gone = max(0.0, bar.format_dict["elapsed"])  # less than nothing after the clock was set back
            bar.n, bar.total = gone, max(gone + left - (time.monotonic() - since), gone / FULLEST)
            reached = gone
            of = f"{steps} of {expected}" if expected else f"{steps}"
            pace = ""
            if steps and gone > 0:
                pace = f", {steps / gone:.1f} {unit}/s" if steps >= 0.95 * gone else f", {gone / steps:.1f} s each"
        known = bar.total and 0 < reached < bar.total and (pace or self._timed is not None)
        to_go = ", {remaining} left" if known else ""
        if self._note:
            bar.set_postfix_str(self._note, refresh=False)
            rest = "{postfix}" + (to_go if self._timed is not None else " {elapsed}")
        else:
            still = time.monotonic() - self._moved
            bar.set_postfix_str(f"working {bar.format_interval(still)}" if still > STILL else "", refresh=False)
            rest = f"{pace}{to_go}{{postfix}}"
        drawn = "|{bar}| " if self._live else ""
        head = f"{{desc}} {{percentage:3.0f}} % {drawn}" if bar.total else "{desc} "
        bar.bar_format = f"{head}{of} {self._unit(bar.total or 0)}{rest}"

    def _pace(self, reached: int) -> str:
        """Has tqdm show its rate, once it is known, or the seconds of a frame or step where one takes over a second."""
        counted, gone = reached - self._bar.initial, self._bar.format_dict["elapsed"]
        if counted <= 0 or gone <= 0:
            return ""
        return ", {rate_inv:.1f} s each" if counted < 0.95 * gone else f", {{rate_noinv:.1f}} {self._unit()}/s"

    def _finish_phase(self) -> None:
        """Leaves a line of what was counted."""
        if self._bar is None:
            return
        bar = self._bar
        if self._timed is not None:
            bar.n = self._timed[0]
        bar.leave = bar.n > bar.initial and self._phase not in ("", "plan")
        bar.bar_format = f"{{desc}}: {{n_fmt}} {self._unit(bar.n)} in {{elapsed}}{self._pace(bar.n)}"
        if bar.leave and not self._live:
            self._write(str(bar))
        bar.close()
        self._bar, self._phase, self._timed = None, "", None

    def _write(self, line: str) -> None:
        stream = self._own or self._stream
        stream.write(f"{line}\n")
        stream.flush()


def _size(stream: TextIO, live: bool) -> dict[str, Any]:
    """What tqdm is to know of the width of a line: a log has none, and tqdm draws nothing on a terminal of 0 lines."""
    if not live:
        return {"ncols": LONG_LINE, "nrows": LINES}
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, lines = 0, 0
    return {"dynamic_ncols": True} if columns and lines else {"ncols": columns or COLUMNS, "nrows": LINES}


class _Above:
    """Stands in for stderr while a bar is drawn there: what is written appears above the bar, line by line."""

    def __init__(self, bars: Bars, stream: TextIO) -> None:
        self._bars, self._stream, self._part = bars, stream, ""

    def write(self, text: str) -> int:
        *lines, self._part = (self._part + text).split("\n")
        for line in lines:
            if line:
                self._bars.say(line)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
