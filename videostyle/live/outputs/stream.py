"""A network stream of what is painted live: encoded here, handed on by ffmpeg, tried again when its server goes."""

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

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0  # seconds between attempts to reach a stream's server
PROVEN = 5.0  # seconds that a connection must hold before the pauses begin anew
SILENT = 8.0  # seconds in which a server takes nothing, after which it counts as gone


class _Pipe:
    """The file that the encoder writes into: ffmpeg's input."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def write(self, data: bytes) -> int:
        self._process.send(bytes(data))
        return len(data)


class _Connection:
    """One attempt: an encoder, the ffmpeg that sends, and a watch over its silence."""

    def __init__(self, url: str, container: str, width: int, height: int, fps: float) -> None:
        self._process = Process(send_arguments(url, container), write=True)
        self._encoder = Encoder(_Pipe(self._process), "nut", {"flush_packets": "1"}, width, height, fps)
        self.began = time.monotonic()
        self._since: float | None = None  # when the write that is under way began
        self._done = threading.Event()
        threading.Thread(target=self._watch, name="stream watch", daemon=True).start()

    def _watch(self) -> None:
        while not self._done.wait(0.5):
            since = self._since
            if since is not None and time.monotonic() - since > SILENT:
                self._process.kill()  # the write that waits fails now

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
                # A server that no longer listens must not keep the program from ending.
                guard = threading.Timer(SILENT / 2, self._process.kill)
                guard.start()
                with contextlib.suppress(OSError, VideostyleError):
                    self._process.close()
                guard.cancel()
        finally:
            self._done.set()
            self._process.kill()


class StreamOut:
    """A network stream by its address; when its server goes, frames are let go and it is tried again.

    Args:
        url: rtmp://, rtmps://, srt://, udp://, rtp:// or tcp:// address.

    Raises:
        UsageError: if it is none of these.
    """

    def __init__(self, url: str) -> None:
        self._address = parse_address(url, OUTPUTS, "stream to")
        self._connection: _Connection | None = None
        self._size = (0, 0, 0.0)
        self._pause, self._again = FIRST_PAUSE, 0.0
        self.reconnects = 0

    def open(self, width: int, height: int, fps: float) -> None:
        """Remembers the size; the first frame connects."""
        self._size = (width, height, fps)

    @property
    def connected(self) -> bool:
        """Whether there is a connection, or one is being made."""
        return self._connection is not None

    def write(self, frame: LiveFrame) -> None:
        """Sends a frame, or lets it go while the server is away."""
        try:
            if self._connection is None:
                if time.monotonic() < self._again:
                    return
                self._connection = _Connection(self._address.url, OUTPUTS[self._address.scheme], *self._size)
            self._connection.write(frame)
            if time.monotonic() - self._connection.began > PROVEN:
                self._pause = FIRST_PAUSE
        except (FFmpegError, OSError, ValueError, VideostyleError) as error:
            # What was ffmpeg's complaint may hold the address and with it the key.
            why = str(error).replace(self._address.url, str(self._address))
            log.warning("the stream '%s' is broken: %s; tried again in %.1f s", self._address, why, self._pause)
            self._drop(kill=True)
            self.reconnects += 1
            self._again = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _drop(self, *, kill: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(kill=kill)

    def close(self) -> None:
        """Ends the stream."""
        self._drop(kill=False)
