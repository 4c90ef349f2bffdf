"""Runs ffmpeg. No other module starts a program.

``imageio_ffmpeg`` is used only to find the program: its own writer ignores the exit status of ffmpeg.
"""

from __future__ import annotations

import collections
import errno
import re
import subprocess
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import IO

from videostyle.errors import OutputError
from videostyle.frames import UInt8Array
from videostyle.media.ffmpeg.argv import QUIET
from videostyle.platforms import own_process_group

# Exit statuses by which ffmpeg says that the disk is full: the number of the error, negative, in a byte.
FULL = tuple(256 - number for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def ffmpeg_exe() -> str:
    """The path of ffmpeg: the environment's ``IMAGEIO_FFMPEG_EXE``, or the one that imageio-ffmpeg brings.

    Raises:
        OutputError: if there is none.
    """
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise OutputError("ffmpeg is missing", str(error), "pip install imageio-ffmpeg") from error


class Process:
    """A running ffmpeg whose messages are kept.

    A thread reads its stderr, because a full pipe would stop it. It is shielded from Ctrl-C, at which it would end the
    file early and report success.

    Args:
        arguments: the arguments after the name of the program (``argv``).
        write: whether bytes are written to ffmpeg; otherwise they are read from it.

    Raises:
        OutputError: if ffmpeg is missing or cannot be started.
    """

    def __init__(self, arguments: Sequence[str], *, write: bool) -> None:
        try:
            self._child = subprocess.Popen(
                [ffmpeg_exe(), *arguments],
                stdin=subprocess.PIPE if write else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if write else subprocess.PIPE,
                stderr=subprocess.PIPE,
                **own_process_group(),
            )
        except OSError as error:
            raise OutputError("ffmpeg cannot be started", str(error), "run 'videostyle doctor'") from error
        self._messages: collections.deque[str] = collections.deque(maxlen=64)
        self._drain = threading.Thread(target=self._read_errors, daemon=True)
        self._drain.start()

    def _read_errors(self) -> None:
        stream = self._child.stderr
        if stream is not None:
            for line in stream:
                self._messages.append(line.decode("utf-8", "replace").strip())

    @property
    def last_message(self) -> str:
        """The last line that ffmpeg printed, "" if none."""
        return next((line for line in reversed(self._messages) if line), "")

    @property
    def stdout(self) -> IO[bytes]:
        """The pipe that ffmpeg writes to."""
        if self._child.stdout is None:
            raise ValueError("this ffmpeg was started for writing")
        return self._child.stdout

    def write(self, frames: UInt8Array) -> None:
        """Writes raw frames to ffmpeg.

        Raises:
            OutputError: if ffmpeg has ended; with its last message.
        """
        self._feed(frames.data.cast("B"), flush=False)

    def send(self, data: bytes) -> None:
        """Writes bytes to ffmpeg at once, without waiting for a full buffer.

        Raises:
            OutputError: if ffmpeg has ended; with its last message.
        """
        self._feed(data, flush=True)

    def _feed(self, data: bytes | memoryview, *, flush: bool) -> None:
        stream = self._child.stdin
        if stream is None:
            raise ValueError("this ffmpeg was started for reading")
        try:
            stream.write(data)
            if flush:
                stream.flush()
        except OSError as error:
            self._child.wait()
            self._drain.join(5)
            raise self._failure("the encoder died") from error

    def _failure(self, what: str) -> OutputError:
        full = self._child.returncode in FULL
        hint = "free some space and run again" if full else "try another `codec`, `preset` or `pix_fmt`"
        return OutputError(what, self._reason(), hint)

    def _reason(self) -> str:
        code = self._child.returncode
        status = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        return f"{status}: {self.last_message}" if self.last_message else status

    def close(self) -> None:
        """Ends ffmpeg's input and waits for it.

        Raises:
            OutputError: if ffmpeg did not exit with 0.
        """
        stream = self._child.stdin
        if stream is not None:
            try:
                stream.close()
            except OSError:
                pass  # the exit status below says why
        self._child.wait()
        self._drain.join(5)
        for pipe in (self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()
        if self._child.returncode != 0:
            raise self._failure("the encoder failed")

    @property
    def failed(self) -> str:
        """Why ffmpeg failed, "" if it did not. Waits for its end."""
        self._child.wait()
        self._drain.join(5)
        return self._reason() if self._child.returncode else ""

    def kill(self) -> None:
        """Ends ffmpeg at once. May be called twice."""
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass  # what was still buffered is not needed


def output_of(arguments: Sequence[str]) -> bytes:
    """What ffmpeg writes to stdout.

    Raises:
        OutputError: if it cannot be started, or fails.
    """
    process = Process(arguments, write=False)
    data = process.stdout.read()
    process.close()
    return data


@lru_cache(maxsize=32)
def encoder_works(encoder: str) -> bool:
    """Whether this machine can encode with ``encoder``; it is tried on one black frame."""
    command = [ffmpeg_exe(), *QUIET, "-f", "lavfi", "-i", "color=s=256x256:d=0.04"]
    command += ["-frames:v", "1", "-c:v", encoder, "-f", "null", "-"]
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@lru_cache(maxsize=32)
def encoder_formats(encoder: str) -> frozenset[str]:
    """The pixel formats that an encoder takes, in ffmpeg's words; empty where ffmpeg does not say."""
    command = [ffmpeg_exe(), "-hide_banner", "-h", f"encoder={encoder}"]
    try:
        printed = subprocess.run(command, capture_output=True, timeout=20, check=False).stdout.decode(
            "utf-8", "replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    found = re.search(r"Supported pixel formats: (.*)", printed)
    return frozenset(found[1].split()) if found else frozenset()


def version() -> str:
    """The first line of ``ffmpeg -version``.

    Raises:
        OutputError: if ffmpeg does not run.
    """
    try:
        done = subprocess.run([ffmpeg_exe(), "-version"], capture_output=True, timeout=20, check=False)
        return done.stdout.decode("utf-8", "replace").splitlines()[0]
    except (OSError, subprocess.TimeoutExpired, IndexError) as error:
        raise OutputError("ffmpeg does not run", str(error), "pip install --force-reinstall imageio-ffmpeg") from error
