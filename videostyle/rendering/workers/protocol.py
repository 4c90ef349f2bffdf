"""The protocol of worker pools."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

from videostyle.rendering.chunked_clip import ChunkTask


class WorkerPool(Protocol):
    """A pool of workers, each of which paints one task at a time."""

    attempts: int  # number of times a task is tried
    copies: bool  # whether an idle worker may paint a copy of a chunk on which another worker is slow

    def free(self) -> bool:
        """Whether a worker is idle."""

    def start(self, task: ChunkTask) -> Any:
        """Gives a task to an idle worker; returns a handle of this attempt."""

    def ended(self, handles: Collection[Any], seconds: float) -> Collection[Any]:
        """Those of ``handles`` that have ended; waits for the first, but at most ``seconds``."""

    def result(self, handle: Any) -> None:
        """Frees the worker of a task that has ended.

        Raises:
            VideostyleError: if it failed.
        """

    def close(self) -> None:
        """Ends all workers; a worker that cannot be stopped finishes its chunk first."""
