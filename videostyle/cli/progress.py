"""Progress on stderr: a bar on a terminal; a line now and then in a log."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from types import TracebackType
from typing import Any, ClassVar, TextIO

TICK = 0.5  # seconds between two drawings of a bar while nothing else happens
LOG_EVERY = 10.0  # seconds between two lines of a log, at least
LOG_SHARE = 0.05  # progress between two lines of a log, at least, unless LOG_LONGEST passed
LOG_LONGEST = 300.0  # seconds between two lines of a log, at most
WIDTH = 24  # characters of a bar
STILL = 3.0  # seconds without progress after which the bar says that the program is at work all the same


def duration(seconds: float) -> str:
    """Seconds as 0:05, 12:30 or 1:02:03."""
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


class Bars:
    """Shows how far each phase of the work is, one at a time: a new phase ends the one before it.

    On a terminal a bar is drawn anew twice a second, so that it can be seen that the program is alive; whatever is
    printed meanwhile, also by the logger, appears above it. Elsewhere each phase gets a line when it begins and when it
    ends, and some between.

    Args:
        quiet: show nothing.
        stream: where to; None = stderr.
        live: whether that is a terminal; None = found out.
    """

    UNITS: ClassVar = {"plan": "frames", "paint": "frames", "train": "steps", "evaluate": "frames"}
    TITLES: ClassVar = {"plan": "planning", "paint": "painting", "train": "learning", "evaluate": "comparing"}

    def __init__(self, quiet: bool, stream: TextIO | None = None, *, live: bool | None = None) -> None:
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._live = self._is_terminal(self._stream) if live is None else live
        self._lock = threading.RLock()
        self._phase = ""
        self._shown = ""
        self._own: TextIO | None = None
        self._redirected: list[tuple[Any, str, Any]] = []
        self._ticker: threading.Thread | None = None
        self._ended = threading.Event()
        self._forget()

    @staticmethod
    def _is_terminal(stream: TextIO) -> bool:
        return bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM") != "dumb"

    def _forget(self) -> None:
        self._done, self._kept, self._total = 0, 0, None  # type: int, int, int | None
        self._left: float | None = None
        self._note = ""
        self._began = self._logged = self._moved = time.monotonic()
        self._logged_share = 0.0

    # -- what is told ------------------------------------------------------------------------------------------------

    def __call__(self, phase: str, done: int, total: int | None) -> None:
        """Moves ``phase`` on by ``done`` towards ``total``, which may change on the way.

        The phase "resume" says how much of the next one was done by an earlier run.
        """
        with self._lock:
            if phase == "resume":
                self.say(f"Continuing at frame {done} of {total or '?'}")
                self._begin("paint", total)
                self._done = self._kept = done
            else:
                if phase != self._phase:
                    self._begin(phase, total)
                self._done += done
                self._total, self._note = total, ""
                self._moved = time.monotonic() if done else self._moved
            self._show()

    def note(self, text: str) -> None:
        """Says what is going on where there is nothing to count, such as "loading TensorFlow"."""
        with self._lock:
            if not self._phase or self._phase.startswith("note:"):
                self._begin(f"note:{text}", None)
            self._note = text
            self._show()

    def timed(self, phase: str, done: int, total: int | None, left: float) -> None:
        """Sets ``phase`` to ``done`` of ``total`` steps, with ``left`` seconds to go: the bar shows time, not steps."""
        with self._lock:
            if phase != self._phase:
                began = self._began if self._phase.startswith("note:") else time.monotonic()
                self._begin(phase, total)
                self._began = began  # what came before belongs to the same wait
            self._done, self._total, self._left, self._note = done, total, left, ""
            self._left_since = self._moved = time.monotonic()
            self._show()

    def say(self, text: str) -> None:
        """Prints a line, above the bar if there is one."""
        if self._quiet:
            return
        with self._lock:
            self._clear()
            self._write(f"{text}\n")
            self._draw()

    def close(self) -> None:
        """Ends the phase: its line stays if frames or steps were counted in it. May be called twice."""
        with self._lock:
            self._finish_phase()
            self._phase = ""
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

    def _begin(self, phase: str, total: int | None) -> None:
        if self._quiet:
            return
        self._finish_phase()
        self._forget()
        self._phase, self._total = phase, total
        if self._live and self._ticker is None:
            self._redirect()
            self._ended.clear()
            self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)
            self._ticker.start()
        elif not self._live:
            unit = self.UNITS.get(phase, "steps")
            name = phase.removeprefix("note:")
            self._write(f"{self.TITLES.get(phase, name)}{f' {total} {unit}' if total else ''} ...\n")

    def _redirect(self) -> None:
        """Lets everything that is written to stderr appear above the bar; the bar itself gets a stderr of its own.

        Loading TensorFlow holds back whatever is written to the process's stderr, for seconds.
        """
        import logging

        if self._stream is sys.stderr:
            try:
                self._own = os.fdopen(os.dup(self._stream.fileno()), "w", encoding=self._stream.encoding, buffering=1)
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
                self._draw()

    def _share(self) -> float | None:
        if self._left is not None:
            gone = time.monotonic() - self._began
            return min(0.99, gone / max(gone + self._seconds_left(), 1e-6)) if self._seconds_left() else 0.99
        return min(1.0, self._done / self._total) if self._total else None

    def _seconds_left(self) -> float:
        if self._left is not None:
            return max(0.0, self._left - (time.monotonic() - self._left_since))
        rate = self._rate()
        return max(0.0, ((self._total or 0) - self._done) / rate) if rate else 0.0

    def _rate(self) -> float:
        gone = time.monotonic() - self._began
        return (self._done - self._kept) / gone if gone > 0 else 0.0

    def _text(self) -> str:
        title = self.TITLES.get(self._phase, self._note or self._phase.removeprefix("note:"))
        if self._phase.startswith("note:"):
            return f"{title} {duration(time.monotonic() - self._began)}"
        unit, share, rate = self.UNITS.get(self._phase, "steps"), self._share(), self._rate()
        parts = [f"{self._done}{f' of {self._total}' if self._total else ''} {unit}"]
        if self._note:
            parts.append(f"{self._note} {duration(time.monotonic() - self._began)}")
        elif self._done > self._kept:
            parts.append(f"{rate:.1f} {unit}/s" if rate >= 0.95 else f"{1 / max(rate, 1e-6):.1f} s each")
            if share is not None and share < 1.0:
                parts.append(f"{duration(self._seconds_left())} left")
        if (still := time.monotonic() - self._moved) > STILL:
            parts.append(f"working {duration(still)}")
        head = f"{title} {100 * share:3.0f} % " if share is not None else f"{title} "
        return head + ", ".join(parts)

    def _bar(self) -> str:
        share = self._share()
        if share is None:
            return ""
        try:
            "█░".encode(self._stream.encoding or "ascii")
            full, empty = "█", "░"
        except (UnicodeEncodeError, LookupError):
            full, empty = "#", "."
        filled = round(WIDTH * share)
        return f"{full * filled}{empty * (WIDTH - filled)} "

    def _show(self) -> None:
        if self._quiet or not self._phase:
            return
        if self._live:
            self._draw()
            return
        now, share = time.monotonic(), self._share() or 0.0
        since = now - self._logged
        if since >= LOG_EVERY and (share - self._logged_share >= LOG_SHARE or since >= LOG_LONGEST):
            self._logged, self._logged_share = now, share
            self._write(f"{self._text()}\n")

    def _draw(self) -> None:
        if not self._live or not self._phase or self._quiet:
            return
        text = (self._bar() + self._text())[: shutil.get_terminal_size().columns - 1]
        if text != self._shown:
            self._write("\r" + text + " " * max(0, len(self._shown) - len(text)))
            self._shown = text

    def _clear(self) -> None:
        if self._shown:
            self._write("\r" + " " * len(self._shown) + "\r")
            self._shown = ""

    def _finish_phase(self) -> None:
        """Leaves a line of what was counted."""
        if self._quiet or not self._phase:
            return
        self._clear()
        if self._done > self._kept and self._phase != "plan":
            unit, gone = self.UNITS.get(self._phase, "steps"), time.monotonic() - self._began
            title = self.TITLES.get(self._phase, self._phase)
            self._write(f"{title}: {self._done} {unit} in {duration(gone)}, {self._rate():.1f} {unit}/s\n")

    def _write(self, text: str) -> None:
        stream = self._own or self._stream
        stream.write(text)
        stream.flush()


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
