"""Gives the chunks of several clips to a pool of workers, and assembles the finished clips.

All pools call ``paint_in_folders``, which commits chunks in the folders of the jobs, so a job that was begun with one
engine can be finished with another.
"""

from __future__ import annotations

import logging
import math
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Generic, TypeVar

from videostyle.errors import DeviceError, Interrupted, OutputError, VideostyleError
from videostyle.rendering.chunked_clip import ChunkedClip, ChunkTask
from videostyle.rendering.pipeline import RunReport
from videostyle.rendering.settings import Engine
from videostyle.rendering.workers.local import ProcessPool
from videostyle.rendering.workers.protocol import WorkerPool
from videostyle.rendering.workers.ray import RayPool

log = logging.getLogger("videostyle")

LATE = 2.0  # multiple of the usual time for a chunk of its size after which an idle worker paints a copy of it
AHEAD = 64  # largest number of clips that are planned, with their outputs locked, and not finished


def make_pool(engine: Engine, most: int) -> WorkerPool:
    """The pool of ``engine``, with at most ``most`` workers: the largest number of tasks."""
    if engine.name == "ray":
        return RayPool(engine, most)
    return ProcessPool(min(most, engine.workers or len(engine.devices) or 1), engine.devices)


Key = TypeVar("Key")
Result = list[RunReport] | Exception


class Scheduler(Generic[Key]):
    """Renders several clips with one pool of workers: no worker is idle while any planned clip has a chunk to paint.

    One thread opens and plans clips in the order in which they were added, the pool paints their chunks, the longest
    first, and another thread assembles finished clips.

    Args:
        engine: who paints.
        most: largest number of chunks of all clips together.
        on_progress: called with the number of frames painted since the last call.
        cancel: set it to stop.
    """

    def __init__(
        self,
        engine: Engine,
        most: int,
        *,
        on_progress: Callable[[int], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> None:
        self._engine, self._most, self._on_progress = engine, max(1, most), on_progress
        # This process measures shots on the same device as a worker paints on, so neither may take all of its memory.
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        self._cancel = cancel or threading.Event()
        self._planner = ThreadPoolExecutor(1, thread_name_prefix="plan")
        self._finisher = ThreadPoolExecutor(1, thread_name_prefix="finish")
        self._room = threading.Semaphore(AHEAD)
        self._closed = threading.Event()
        self._planned: dict[Future[ChunkedClip | list[RunReport]], Key] = {}
        self._painting: dict[ChunkedClip, Key] = {}
        self._finishing: dict[Future[list[RunReport]], ChunkedClip] = {}
        self._pending: list[ChunkTask] = []
        self._running: dict[Any, tuple[ChunkTask, float]] = {}
        self._pace: list[float] = []  # seconds per megapixel of each finished task

    def add(self, key: Key, opener: Callable[[], ChunkedClip | list[RunReport]]) -> None:
        """Adds a clip.

        Args:
            key: returned with its result.
            opener: plans the clip; a clip that cannot be painted in chunks it paints at once, and returns the reports.
        """

        def opened() -> ChunkedClip | list[RunReport]:
            while not self._room.acquire(timeout=0.2):
                if self._closed.is_set():
                    raise Interrupted("stopped", hint="run the same command again to resume it")
            return opener()

        self._planned[self._planner.submit(opened)] = key

    def results(self) -> Iterator[tuple[Key, Result]]:
        """Yields the key of each clip that ends, with its reports or its error. Clips may be added meanwhile.

        Raises:
            Interrupted: if ``cancel`` was set; finished chunks are kept.
            DeviceError: if the pool cannot be started.
        """
        pool: WorkerPool | None = None
        try:
            pool = make_pool(self._engine, self._most)
            while self._planned or self._painting:
                if self._cancel.is_set():
                    stopped = Interrupted("stopped", hint="run the same command again to resume it")
                    raise next((clip.explained(stopped) for clip in self._painting), stopped)
                yield from self._take_in()
                self._hand_out(pool)
                if self._running:
                    for handle in pool.ended(self._running, 0.2):
                        yield from self._ended(pool, handle)
                else:
                    waiting: list[Future[Any]] = [*self._planned, *self._finishing]
                    wait(waiting, 0.2, FIRST_COMPLETED)
                yield from self._finished()
        finally:
            self._closed.set()
            self._planner.shutdown(wait=False, cancel_futures=True)
            if pool is not None:
                pool.close()
            self._planner.shutdown(wait=True)
            self._finisher.shutdown(wait=True)
            for future in self._planned:
                if future.done() and not future.cancelled() and future.exception() is None:
                    left = future.result()
                    if isinstance(left, ChunkedClip):
                        left.close()
            for clip in self._painting:
                clip.close()

    def _take_in(self) -> Iterator[tuple[Key, Result]]:
        for future in [f for f in self._planned if f.done()]:
            key = self._planned.pop(future)
            try:
                clip = future.result()
            except Exception as error:  # of any kind, as other clips must go on
                self._room.release()
                yield key, error
                continue
            if not isinstance(clip, ChunkedClip):
                self._room.release()
                yield key, clip
                continue
            self._painting[clip] = key
            tasks = clip.tasks()
            if not tasks:
                self._finishing[self._finisher.submit(clip.finish)] = clip
            # The longest first, so that none of these runs alone at the end; equal ones stay in order.
            self._pending = sorted([*self._pending, *tasks], key=lambda task: -task.cost)

    def _hand_out(self, pool: WorkerPool) -> None:
        while pool.free() and (self._pending or (pool.copies and not self._planned)):
            task = self._pending.pop(0) if self._pending else self._late()
            if task is None:
                return
            task.attempts += 1
            self._running[pool.start(task)] = task, time.monotonic()

    def _late(self) -> ChunkTask | None:
        """The task that is most overdue for its size, of those that only one worker is painting; None if none is."""
        if not self._pace:
            return None
        usual, now = statistics.median(self._pace), time.monotonic()
        copies = [task for task, _ in self._running.values()]
        late = [
            (now - since - LATE * usual * task.cost, task)
            for task, since in self._running.values()
            if sum(other is task for other in copies) == 1 and not task.done and task.clip in self._painting
        ]
        over, task = max(late, key=lambda item: item[0], default=(-math.inf, None))
        return task if over > 0 else None

    def _ended(self, pool: WorkerPool, handle: Any) -> Iterator[tuple[Key, Result]]:
        task, since = self._running.pop(handle)
        clip, others = task.clip, [other for other, _ in self._running.values()]
        error: Exception | None = None
        try:
            pool.result(handle)
        except Exception as met:  # as above
            error = met
        if task.done or clip not in self._painting:
            return  # a copy was faster, or the clip has failed already
        if error is None:
            task.done = True
            self._pace.append((time.monotonic() - since) / max(task.cost, 1e-6))
            if self._on_progress is not None:
                self._on_progress(task.frames)
            if not any(other.clip is clip and not other.done for other in [*self._pending, *others]):
                self._finishing[self._finisher.submit(clip.finish)] = clip
        elif any(other is task for other in others):
            return  # another worker is still painting it
        elif isinstance(error, OutputError | DeviceError) and task.attempts < pool.attempts:
            log.warning("chunk %d of '%s' failed and is tried again: %s", task.number, clip.jobs[0].input, error)
            self._pending.append(task)
        else:
            yield self._failed(clip, error)

    def _failed(self, clip: ChunkedClip, error: Exception) -> tuple[Key, Result]:
        self._pending = [task for task in self._pending if task.clip is not clip]
        key = self._painting.pop(clip)
        explained = clip.explained(error) if isinstance(error, VideostyleError) else error
        clip.close()
        self._room.release()
        return key, explained

    def _finished(self) -> Iterator[tuple[Key, Result]]:
        for future in [f for f in self._finishing if f.done()]:
            clip = self._finishing.pop(future)
            try:
                reports = future.result()
            except Exception as error:  # as above
                yield self._failed(clip, error)
                continue
            key = self._painting.pop(clip)
            clip.close()
            self._room.release()
            yield key, reports
