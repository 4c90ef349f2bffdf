"""The process of a job, seen from the server."""

from __future__ import annotations

import contextlib
import multiprocessing
from pathlib import Path
from typing import Any

from videostyle.errors import VideostyleError
from videostyle.studio.jobs.job import Job
from videostyle.studio.jobs.worker import run

SPAWN = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork


class JobProcess:
    """A process that does a job.

    Args:
        job: what to do.
        folder: for what it keeps.
    """

    def __init__(self, job: Job, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._pipe, other = SPAWN.Pipe()
        self._process = SPAWN.Process(
            target=run, args=(job.kind, job.request, str(folder), other), name=f"job {job.id}", daemon=True
        )
        self._process.start()
        other.close()

    def messages(self, patience: float) -> list[tuple[str, Any]] | None:
        """Its messages since the last call; None if it has ended and there are no more.

        Args:
            patience: seconds to wait for a message.
        """
        found: list[tuple[str, Any]] = []
        try:
            while self._pipe.poll(0 if found else patience):
                found.append(self._pipe.recv())
        except (EOFError, OSError):
            return found or None
        return found

    def say(self, word: str) -> None:
        """Says "stop" or "finish" to it."""
        with contextlib.suppress(OSError, ValueError):
            self._pipe.send(word)

    def ended(self) -> VideostyleError:
        """The error of a process that has ended without a message; waits for its end."""
        self._process.join(5)
        code = self._process.exitcode
        why = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        hint = "if memory is short, lower `max_size`; then retry"
        return VideostyleError("its process ended unexpectedly", why, hint)

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()

    def close(self) -> None:
        """Waits for its end, and frees the connection."""
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(5)
        self._pipe.close()
