"""Changes the stroke size of a live run: its programs are compiled in a thread, and painting does not wait for them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from videostyle.inference.stroke_size import LARGEST, SMALLEST
from videostyle.processors.style import StyleProcessor

STROKE_STEPS = (SMALLEST, 0.7, 1.0, 1.4, 2.0, 2.8, LARGEST)  # what keys choose from

log = logging.getLogger("videostyle")


def next_step(stroke_size: float, larger: bool) -> float:
    """The next larger or smaller of ``STROKE_STEPS``; the same where there is none."""
    steps = [step for step in STROKE_STEPS if (step > stroke_size if larger else step < stroke_size)]
    return (min(steps) if larger else max(steps)) if steps else stroke_size


class StrokeSizes:
    """Compiles the programs of stroke sizes, one size at a time in a thread of its own, and keeps them.

    Args:
        compiled: gives the processors for a stroke size, their programs compiled; called in that thread.
        stroke_size: to begin with.

    Attributes:
        wanted: the stroke size that was asked for last.
    """

    def __init__(self, compiled: Callable[[float], Sequence[StyleProcessor]], stroke_size: float) -> None:
        self._compiled, self.wanted, self._used = compiled, stroke_size, stroke_size
        self._found: dict[float, Sequence[StyleProcessor]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self) -> Sequence[StyleProcessor]:
        """Compiles the size to begin with, in the calling thread."""
        self._found = {self._used: self._compiled(self._used)}
        return self._found[self._used]

    @property
    def ready(self) -> bool:
        """Whether the programs of the size that is wanted are compiled."""
        return self.wanted in self._found

    def take(self) -> Sequence[StyleProcessor]:
        """The processors of the size that is wanted; while it is being compiled, those that were taken last."""
        wanted = self.wanted
        if wanted in self._found:
            self._used = wanted
        return self._found[self._used]

    def want(self, stroke_size: float) -> None:
        """Asks for a size, and returns at once; a size that was asked for before is forgotten."""
        with self._lock:
            self.wanted = stroke_size
            if self._thread is None and stroke_size not in self._found:
                self._thread = threading.Thread(target=self._compile_all, name="compile strokes")
                self._thread.start()

    def _compile_all(self) -> None:
        """Compiles what is wanted, until it is there."""
        while True:
            with self._lock:
                size = self.wanted
                if size in self._found:
                    self._thread = None
                    return
            try:
                found = self._compiled(size)
            except Exception as error:  # such as lack of memory: the run goes on with the strokes that it has
                log.warning("cannot paint with a stroke size of %g: %s", size, error)
                with self._lock:
                    self.wanted = self._used if self.wanted == size else self.wanted
            else:
                self._found[size] = found

    def close(self) -> None:
        """Waits for the thread, and frees all programs."""
        thread = self._thread
        if thread is not None:
            thread.join()
        for processors in self._found.values():
            for processor in processors:
                processor.close()
