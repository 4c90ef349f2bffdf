"""The three standard streams: whatever becomes of them, what the program does goes on."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, TextIO

from videostyle.errors import OutputError


class _Lasting(io.FileIO):
    """A descriptor for writing whose failures do not stop the program: what cannot be written is dropped."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self._failed(error)
            return memoryview(data).nbytes

    def _failed(self, error: OSError) -> None:
        pass


class _Results(_Lasting):
    """The same for results: their reader may have heard enough, but a file of them that is cut off is an error.

    The error is raised once, so that what is still held is not written at the end of the process, and fails again.
    """

    _told = False

    def _failed(self, error: OSError) -> None:
        if error.errno == errno.EPIPE or self._told:
            return
        self._told = True
        why = error.strerror or str(error)
        raise OutputError("cannot print the result", why, "free some space, or print it elsewhere") from error


def _text(raw: io.FileIO, like: TextIO, *, lines: bool) -> TextIO:
    return io.TextIOWrapper(io.BufferedWriter(raw), like.encoding, like.errors, line_buffering=lines)


def lasting(descriptor: int, like: TextIO) -> TextIO:
    """A text stream that drops what cannot be written, and closes its descriptor with it.

    Args:
        descriptor: an open file of this process.
        like: a stream that is encoded in the same way.
    """
    return _text(_Lasting(descriptor, "w"), like, lines=True)


def keep_streams() -> None:
    """Makes the standard streams of this process last.

    A render whose messages are read by ``head``, or by a terminal that is closed, paints on when nobody reads them any
    more. A stream that is closed from the beginning is opened on nothing: otherwise the next file that is opened would
    take its number, and be written to.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)
    sys.stdout = _text(_Results(1, "w", closefd=False), sys.stdout, lines=sys.stdout.isatty())
    sys.stderr = _text(_Lasting(2, "w", closefd=False), sys.stderr, lines=True)
