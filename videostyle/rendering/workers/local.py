"""Worker processes of this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import multiprocessing.resource_tracker
import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from videostyle.errors import DeviceError
from videostyle.platforms import WINDOWS, interrupts_blocked
from videostyle.rendering.chunked_clip import ChunkTask
from videostyle.rendering.chunks import paint_in_folders, warm_up
from videostyle.rendering.job_store import RESUME_HINT
from videostyle.resources import usable_cores


@contextlib.contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Processes started in the block ignore Ctrl-C, which a terminal sends to all processes: the parent handles it."""
    # Python starts a helper with the first process, and unblocks the signal after that. So the helper is started now.
    if not WINDOWS:
        multiprocessing.resource_tracker.ensure_running()
    with interrupts_blocked():
        yield


def _get_ready(threads: int, visible: str | None) -> None:
    """Prepares a worker process: its share of the cores, its GPU, and that it ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # in case a library unblocks it
    os.environ["VIDEOSTYLE_THREADS"] = str(threads)
    if visible is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible
    parent = multiprocessing.parent_process()
    if parent is not None:
        # A parent that is killed cannot end its workers, and these would wait for work forever.
        sentinel = parent.sentinel
        threading.Thread(target=lambda: _end_with(sentinel), daemon=True).start()


def _end_with(sentinel: Any) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def visible_gpu(device: str) -> tuple[str, str] | None:
    """How to restrict a worker process to one GPU, because TensorFlow takes memory on every GPU that it sees.

    Args:
        device: "cpu", "gpu:1" and the like.

    Returns:
        The value of CUDA_VISIBLE_DEVICES, and the name of the device in that process; None if ``device`` is not a
        numbered GPU.
    """
    kind, _, number = device.lower().removeprefix("/").partition(":")
    if kind != "gpu" or not number.isdigit():
        return None
    shown = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return (shown[int(number)] if int(number) < len(shown) else number), "gpu:0"


class ProcessPool:
    """Processes of this machine, each on its own device if several are given.

    Each worker is a pool of one process, so that a process that dies does not end the others.

    Args:
        workers: number of processes.
        devices: the device of each; () = the device of the jobs.
    """

    attempts, copies = 1, False

    def __init__(self, workers: int, devices: Sequence[str] = ()) -> None:
        self._context = multiprocessing.get_context("spawn")
        # Without this, each process would start threads for all cores.
        self._threads = max(1, usable_cores() // workers)
        self._devices = [devices[i] if devices else None for i in range(workers)]
        self._pools: list[ProcessPoolExecutor | None] = [None] * workers
        self._busy: dict[Future[None], int] = {}
        for number in range(workers):
            self._submit(number, warm_up)

    def _submit(self, number: int, function: Callable[..., None], *arguments: Any) -> Future[None]:
        """Gives work to a process, which is started with its first work."""
        with _without_ctrl_c():
            return self._pool(number).submit(function, *arguments)

    def _pool(self, number: int) -> ProcessPoolExecutor:
        pool = self._pools[number]
        if pool is None:
            seen = visible_gpu(self._devices[number] or "")
            pool = self._pools[number] = ProcessPoolExecutor(
                1, self._context, initializer=_get_ready, initargs=(self._threads, seen[0] if seen else None)
            )
        return pool

    def free(self) -> bool:
        """Whether a process is idle."""
        return len(self._busy) < len(self._pools)

    def start(self, task: ChunkTask) -> Future[None]:
        """Gives a task to the first idle process; a process that died is replaced."""
        number = next(n for n in range(len(self._pools)) if n not in self._busy.values())
        device = self._devices[number]
        seen = visible_gpu(device or "")
        arguments = (task.folders, [task.number], seen[1] if seen else device)
        try:
            future = self._submit(number, paint_in_folders, *arguments)
        except BrokenProcessPool:
            self._pools[number] = None
            future = self._submit(number, paint_in_folders, *arguments)
        self._busy[future] = number
        return future

    def ended(self, handles: Collection[Any], seconds: float) -> Collection[Any]:
        """Those of ``handles`` that have ended, after at most ``seconds``."""
        return wait(handles, seconds, FIRST_COMPLETED).done

    def result(self, handle: Any) -> None:
        """Frees the process of a task that has ended; raises the error of the task, if any."""
        number = self._busy.pop(handle)
        try:
            handle.result()
        except BrokenProcessPool as error:
            self._pools[number] = None
            raise DeviceError("a worker died", "out of memory?", f"use fewer `workers`, and {RESUME_HINT}") from error

    def close(self) -> None:
        """Ends the processes when they have finished their chunks."""
        for pool in self._pools:
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)
