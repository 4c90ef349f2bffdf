"""Sends the painted picture to a network address: encoded by PyAV, sent by ffmpeg, reconnected when it breaks."""

from __future__ import annotations

import contextlib
import logging
import threading
import time

from av.error import FFmpegError

from videostyle.errors import VideostyleError
from videostyle.live.frame import LiveFrame
from videostyle.live.outputs.encoder import Encoder
from videostyle.media.address import OUTPUTS, parse_address
from videostyle.media.ffmpeg.argv import send_arguments
from videostyle.media.ffmpeg.process import Process

log = logging.getLogger("videostyle")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0  # seconds between attempts to connect, doubled each time
STABLE = 5.0  # seconds that a connection must last before the next pause is FIRST_PAUSE again
SILENT = 8.0  # seconds that a write may take before the server counts as gone


class _Pipe:
    """Lets the encoder write to ffmpeg's standard input as to a file."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def write(self, data: bytes) -> int:
        self._process.send(bytes(data))
        return len(data)


class _Connection:
    """One connection: an encoder, the ffmpeg process that sends, and a watchdog that ends a write that hangs."""

    def __init__(self, url: str, container: str, width: int, height: int, fps: float) -> None:
        self._process = Process(send_arguments(url, container), write=True)
        self._encoder = Encoder(_Pipe(self._process), "nut", {"flush_packets": "1"}, width, height, fps)
        self.began = time.monotonic()
        self._since: float | None = None  # start of the write in progress
        self._done = threading.Event()
        threading.Thread(target=self._watch, name="stream watch", daemon=True).start()

    def _watch(self) -> None:
        while not self._done.wait(0.5):
            since = self._since
            if since is not None and time.monotonic() - since > SILENT:
                self._process.kill()  # makes the write in progress fail

    def write(self, frame: LiveFrame) -> None:
        self._since = time.monotonic()
        try:
            self._encoder.write(frame)
        finally:
            self._since = None

    def close(self, *, kill: bool) -> None:
        if kill:
            self._process.kill()
        self._since = time.monotonic()
        try:
            with contextlib.suppress(FFmpegError, OSError, ValueError, VideostyleError):
                self._encoder.close()
            if not kill:
                # A server that no longer reads must not keep the program from ending.
                guard = threading.Timer(SILENT / 2, self._process.kill)
                guard.start()
                with contextlib.suppress(OSError, VideostyleError):
                    self._process.close()
                guard.cancel()
        finally:
            self._done.set()
            self._process.kill()


class StreamOut:
    """A network stream. While its server is away, frames are discarded and the connection is tried again.

    Args:
        url: rtmp://, rtmps://, srt://, udp://, rtp:// or tcp:// address.

    Attributes:
        reconnects: number of times the connection broke or could not be made.

    Raises:
        UsageError: if the address is of another kind.
    """

    def __init__(self, url: str) -> None:
        self._address = parse_address(url, OUTPUTS, "stream to")
        self._connection: _Connection | None = None
        self._size = (0, 0, 0.0)
        self._pause, self._next_attempt = FIRST_PAUSE, 0.0
        self.reconnects = 0

    def open(self, width: int, height: int, fps: float) -> None:
        """Remembers the size and rate; the first frame connects."""
        self._size = (width, height, fps)

    def write(self, frame: LiveFrame) -> None:
        """Sends a frame, or discards it while the server is away."""
        try:
            if self._connection is None:
                if time.monotonic() < self._next_attempt:
                    return
                self._connection = _Connection(self._address.url, OUTPUTS[self._address.scheme], *self._size)
            self._connection.write(frame)
            if time.monotonic() - self._connection.began > STABLE:
                self._pause = FIRST_PAUSE
        except (FFmpegError, OSError, ValueError, VideostyleError) as error:
            # ffmpeg's message may contain the address with its secret stream key.
            why = str(error).replace(self._address.url, str(self._address))
            log.warning("the stream '%s' is broken: %s; next attempt in %.1f s", self._address, why, self._pause)
            self._drop(kill=True)
            self.reconnects += 1
            self._next_attempt = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _drop(self, *, kill: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(kill=kill)

    def close(self) -> None:
        """Sends what is still in the encoder, and disconnects."""
        self._drop(kill=False)
