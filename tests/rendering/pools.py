"""A worker pool whose workers paint nothing, and clips for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from pathlib import Path

from videostyle.rendering.chunked_clip import ChunkTask


class Hands:
    """A pool whose tasks end when the test says so; without being told, in the order they were begun."""

    def __init__(self, workers: int = 2, attempts: int = 1, *, copies: bool = False) -> None:
        self.attempts, self.copies = attempts, copies
        self.begun: list[tuple[str, int]] = []
        self.most = 0
        self.outcome: Callable[[ChunkTask, int], Exception | None] = lambda task, number: None
        self.slow: set[tuple[str, int]] = set()
        self.closed = False
        self._workers = workers
        self._tasks: dict[int, ChunkTask] = {}

    def free(self) -> bool:
        return len(self._tasks) < self._workers

    def start(self, task: ChunkTask) -> int:
        self.begun.append((task.clip.jobs[0].input.name, task.number))
        self._tasks[len(self.begun)] = task
        self.most = max(self.most, len(self._tasks))
        return len(self.begun)

    def ended(self, handles: Collection[int], seconds: float) -> list[int]:
        names = {h: (self._tasks[h].clip.jobs[0].input.name, self._tasks[h].number) for h in handles}
        # A slow worker ends only when a second one paints the same.
        able = [h for h in handles if names[h] not in self.slow or self.begun.count(names[h]) > 1]
        if not able:
            time.sleep(0.01)
            return []
        return [max(able) if self.slow else min(able)]

    def result(self, handle: int) -> None:
        task = self._tasks.pop(handle)
        error = self.outcome(task, handle)
        if error is not None:
            raise error

    def close(self) -> None:
        self.closed = True


class FakeWriter:
    """A writer of an output that is never written."""

    def __init__(self, output: Path) -> None:
        self.output, self.aborted = output, 0
        self.warnings: list[str] = []

    def assemble(self, parts: object, times: object) -> Path:
        return self.output

    def abort(self) -> None:
        self.aborted += 1


def nothing() -> None:
    """What a worker does instead of loading TensorFlow, which takes seconds."""


def die(folders: list[str], numbers: list[int], device: str | None) -> None:
    """Stands for painting in a process that is killed at it."""
    os._exit(9)
