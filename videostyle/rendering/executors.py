"""Who paints the chunks: this process, several, or a Ray cluster. The unit of work is the chunk of a clip.

Every engine calls ``paint_chunks`` and commits in the same folders in the same way, so a job that was begun with
one engine can be finished with another.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import math
import multiprocessing
import multiprocessing.connection
import multiprocessing.resource_tracker
import os
import signal
import statistics
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from videostyle.errors import DeviceError, Interrupted, OutputError, VideostyleError
from videostyle.media.writers.images import ImageWriter
from videostyle.media.writers.video import VideoWriter
from videostyle.rendering.chunks import paint_chunks, paint_in_folders
from videostyle.rendering.job_store import Job, chunk_files, finished_chunks, passes, remove_job
from videostyle.rendering.pipeline import RunReport, Trace
from videostyle.rendering.settings import Engine

if TYPE_CHECKING:
    pass

log = logging.getLogger("videostyle")

ATTEMPTS = 3  # how often a chunk is tried on other workers of a cluster before its clip fails
LATE = 2.0  # times the usual time of its size after which an idle worker paints a copy of a chunk
AHEAD = 64  # clips that are planned, and whose outputs are locked, before the first of them is finished
RESUME = "run the same command again and it goes on from there"


@dataclass
class Piece:
    """One chunk of a clip, for those of its outputs that lack it: what a worker is given."""

    clip: ChunkedClip
    folders: tuple[str, ...]
    number: int
    frames: int  # to paint, of all outputs together
    cost: float  # megapixels
    attempts: int = 0
    done: bool = False


class ChunkedClip:
    """A clip that is painted in chunks, planned, with a job and an opened sink for each of its outputs.

    Args:
        jobs: one for each output, their plans on the disk.
        sinks: where each is assembled.
        pixels: of a frame.
    """

    def __init__(self, jobs: Sequence[Job], sinks: Sequence[VideoWriter | ImageWriter], pixels: int) -> None:
        self.jobs, self._sinks, self._pixels = jobs, sinks, pixels
        self._began = time.monotonic()
        finished = [finished_chunks(job) for job in jobs]
        self.missing = [set(range(len(job.plan.chunks))) - done for job, done in zip(jobs, finished, strict=True)]
        self._resumed = [sum(j.plan.chunks[n][1] for n in done) for j, done in zip(jobs, finished, strict=True)]
        self._lately: list[RunReport] = []

    @property
    def frames(self) -> int:
        """Frames of all outputs together."""
        return sum(len(job.plan.times) for job in self.jobs)

    @property
    def resumed(self) -> int:
        """Those of them that an earlier run had painted."""
        return sum(self._resumed)

    def pieces(self) -> list[Piece]:
        """What is missing, chunk by chunk."""
        found = []
        for jobs, numbers in passes(self.jobs, self.missing):
            for number in numbers:
                frames = len(jobs) * jobs[0].plan.chunks[number][1]
                folders = tuple(str(job.folder) for job in jobs)
                found.append(Piece(self, folders, number, frames, frames * self._pixels / 1e6))
        return found

    def paint_here(
        self,
        told: Callable[[int], None] | None = None,
        cancel: threading.Event | None = None,
        trace: Trace | None = None,
    ) -> None:
        """Paints what is missing in this process, as much as possible in one pass.

        Raises:
            Interrupted: if ``cancel`` was set; finished chunks are kept.
            VideostyleError: whatever a chunk met; finished chunks are kept.
        """
        try:
            for jobs, numbers in passes(self.jobs, self.missing):
                self._lately = paint_chunks(jobs, numbers, progress=told, cancel=cancel, trace=trace)
        except VideostyleError as error:
            raise self.explained(error) from error

    def finish(self) -> list[RunReport]:
        """Assembles every output and removes its job's folder.

        Raises:
            OutputError: if one cannot be assembled; its chunks are kept.
        """
        reports = []
        for number, (job, sink) in enumerate(zip(self.jobs, self._sinks, strict=True)):
            try:
                output = sink.assemble(chunk_files(job), job.plan.times)
            except VideostyleError as error:
                raise self.explained(error) from error
            remove_job(job.folder)
            lately = self._lately[number] if number < len(self._lately) else None
            reports.append(
                RunReport(
                    output,
                    len(job.plan.times),
                    time.monotonic() - self._began,
                    lately.first_frame if lately else 0.0,
                    (*job.plan.warnings, *sink.warnings),
                    dict(lately.busy) if lately else {},
                    self._resumed[number],
                )
            )
        return reports

    def explained(self, error: VideostyleError) -> VideostyleError:
        """The error with what is kept and how to go on, where that is so."""
        if isinstance(error, Interrupted):
            names = ", ".join(f"'{job.folder.name}'" for job in self.jobs)
            return Interrupted("stopped", f"finished chunks are kept in {names}", RESUME)
        if not isinstance(error, OutputError):
            return error
        kept = sum(job.plan.chunks[n][1] for job in self.jobs for n in finished_chunks(job))
        if not kept:
            return error
        hint = f"{error.hint or 'see above'}; {kept} of {self.frames} painted frames are kept: {RESUME}"
        return OutputError(error.what, error.why, hint)

    def close(self) -> None:
        """Lets the outputs go; what is not finished stays in the jobs' folders."""
        for sink in self._sinks:
            sink.abort()


# -- crews -------------------------------------------------------------------------------------------------------


class Crew(Protocol):
    """Workers that paint pieces, each one at a time."""

    attempts: int  # how often a piece is tried
    copies: bool  # whether an idle worker may paint what another is late with

    def free(self) -> bool:
        """Whether a worker is idle."""

    def start(self, piece: Piece) -> Any:
        """Hands a piece to an idle worker; returns a handle of this piece of work."""

    def ended(self, handles: Collection[Any], seconds: float) -> Collection[Any]:
        """Those that have ended, as soon as there is one, at the latest after ``seconds``."""

    def result(self, handle: Any) -> None:
        """Frees the worker of a piece that has ended.

        Raises:
            VideostyleError: if it failed.
        """

    def close(self) -> None:
        """Ends all workers, after what they are painting where they cannot be stopped."""


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes that begin inside never see a SIGINT: a terminal sends it to all, and the parent alone decides.

    A signal that this thread has blocked stays blocked in what it starts, from before the first line of Python runs
    there; in this process it waits for a moment.
    """
    # With the first process Python starts a helper of its own, and then unblocks the signal whatever it was before.
    multiprocessing.resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _get_ready(threads: int, visible: str | None) -> None:
    """Begins a worker process: its share of the machine, and its end when its parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # should a library unblock it
    os.environ["VIDEOSTYLE_THREADS"] = str(threads)
    if visible is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible
    parent = multiprocessing.parent_process()
    if parent is not None:
        # A parent that was killed cannot end its workers, and they would wait for work for ever.
        sentinel = parent.sentinel
        threading.Thread(target=lambda: _end_with(sentinel), daemon=True).start()


def _end_with(sentinel: Any) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def _load() -> None:
    """Makes TensorFlow ready while there is nothing to paint yet."""
    from videostyle.inference.startup import load_tensorflow

    load_tensorflow(frames_side_by_side=True)


def visible_gpu(device: str) -> tuple[str, str] | None:
    """What must be visible to a process that paints on ``device`` alone, and the device's name in there.

    TensorFlow takes memory on every GPU that it sees. None for what is not one GPU of several ("cpu", "auto").
    """
    kind, _, number = device.lower().removeprefix("/").partition(":")
    if kind != "gpu" or not number.isdigit():
        return None
    shown = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return (shown[int(number)] if int(number) < len(shown) else number), "gpu:0"


class ProcessCrew:
    """Processes of this machine, each on its own device where several are given.

    Each is a pool of one, so that one that dies takes no other with it.

    Args:
        workers: how many.
        devices: for each of them; () = what the jobs say.
    """

    attempts, copies = 1, False

    def __init__(self, workers: int, devices: Sequence[str] = ()) -> None:
        self._context = multiprocessing.get_context("spawn")
        # Processes share the cores; each would otherwise take them all for its threads.
        self._threads = max(1, (os.cpu_count() or 1) // workers)
        self._devices = [devices[i] if devices else None for i in range(workers)]
        self._pools: list[ProcessPoolExecutor | None] = [None] * workers
        self._busy: dict[Future[None], int] = {}
        for number in range(workers):
            self._submit(number, _load)

    def _submit(self, number: int, function: Callable[..., None], *arguments: Any) -> Future[None]:
        """Hands work to a process; the first one begins it."""
        with _deaf_to_ctrl_c():
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

    def start(self, piece: Piece) -> Future[None]:
        """Sends a piece to the first idle process; one that died before is replaced."""
        number = next(n for n in range(len(self._pools)) if n not in self._busy.values())
        device = self._devices[number]
        seen = visible_gpu(device or "")
        arguments = (piece.folders, [piece.number], seen[1] if seen else device)
        try:
            future = self._submit(number, paint_in_folders, *arguments)
        except BrokenProcessPool:
            self._pools[number] = None
            future = self._submit(number, paint_in_folders, *arguments)
        self._busy[future] = number
        return future

    def ended(self, handles: Collection[Any], seconds: float) -> Collection[Any]:
        """Those that have ended."""
        return wait(handles, seconds, FIRST_COMPLETED).done

    def result(self, handle: Any) -> None:
        """Frees its process."""
        number = self._busy.pop(handle)
        try:
            handle.result()
        except BrokenProcessPool as error:
            self._pools[number] = None
            raise DeviceError("a worker died", "out of memory?", f"use fewer --workers, and {RESUME}") from error

    def close(self) -> None:
        """Ends the processes after the chunks that they are painting."""
        for pool in self._pools:
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)


def _paint_on_cluster(folders: Sequence[str], numbers: Sequence[int], threads: int) -> None:
    """``paint_in_folders`` as a Ray task: its share of its node is known only here."""
    os.environ["VIDEOSTYLE_THREADS"] = str(threads)
    paint_in_folders(folders, numbers)


class RayCrew:
    """Tasks of a Ray cluster; what fails, or whose node is lost, is tried again elsewhere.

    Args:
        engine: address and chunks at once.
        most: pieces there can be.
    """

    attempts, copies = ATTEMPTS, True

    def __init__(self, engine: Engine, most: int) -> None:
        try:
            self._ray: Any = importlib.import_module("ray")
        except ImportError as error:
            raise DeviceError("Ray is not installed", str(error), "pip install 'videostyle[cluster]'") from error
        ray = self._ray
        self._ours = not ray.is_initialized()
        if self._ours:
            quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
            if engine.address is None:
                # The dashboard would listen on a port: nobody asked for it.
                quiet |= {"include_dashboard": False}
            try:
                ray.init(address=engine.address, **quiet)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise DeviceError(f"cannot reach the Ray cluster '{engine.address}'", str(error)) from error
        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        nodes = max(1, sum(1 for node in ray.nodes() if node["Alive"]))
        gpus = int(ray.cluster_resources().get("GPU", 0))
        self._workers = min(most, engine.workers or (gpus or nodes))
        self._threads = max(1, cores // max(self._workers, nodes))
        # The number of attempts is counted here: a task that Ray repeated itself would hide that its node was lost.
        self._needs: dict[str, Any] = {
            "num_cpus": self._threads,
            "num_gpus": 1 if gpus else 0,
            "max_retries": 0,
        }
        self._task = ray.remote(**self._needs)(_paint_on_cluster)
        self._busy: set[Any] = set()
        self._warm = [ray.remote(**self._needs)(_load).remote() for _ in range(self._workers)]

    def free(self) -> bool:
        """Whether fewer tasks are out than the cluster paints at once."""
        return len(self._busy) < self._workers

    def start(self, piece: Piece) -> Any:
        """Sends a task."""
        task = self._task.remote(piece.folders, [piece.number], self._threads)
        self._busy.add(task)
        return task

    def ended(self, handles: Collection[Any], seconds: float) -> Collection[Any]:
        """Those that have ended."""
        ready, _ = self._ray.wait(list(handles), num_returns=1, timeout=seconds)
        return list(ready)

    def result(self, handle: Any) -> None:
        """Counts the task out."""
        self._busy.discard(handle)
        try:
            self._ray.get(handle)
        except self._ray.exceptions.RayError as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, VideostyleError):
                raise cause from error
            raise OutputError("a task of the cluster failed", str(error).splitlines()[-1]) from error

    def close(self) -> None:
        """Stops what is out, and the cluster if it was begun here."""
        for task in self._busy:
            self._ray.cancel(task, force=True)
        if self._ours:
            self._ray.shutdown()


def make_crew(engine: Engine, most: int) -> Crew:
    """The crew that ``engine`` asks for, with no more workers than the ``most`` pieces there can be."""
    if engine.name == "ray":
        return RayCrew(engine, most)
    return ProcessCrew(min(most, engine.workers or len(engine.devices) or 1), engine.devices)


# -- handing out -------------------------------------------------------------------------------------------------

Key = TypeVar("Key")
Result = list[RunReport] | Exception


class Farm(Generic[Key]):
    """Clips on their way through a crew, all at once: no worker is idle while any clip has a chunk left.

    One thread opens and plans clips in the order they were added, the crew paints their chunks, longest first,
    another thread puts together what is finished.

    Args:
        engine: who paints.
        most: chunks there can be in all.
        told: called with frames painted.
        cancel: set it to stop.
    """

    def __init__(
        self,
        engine: Engine,
        most: int,
        *,
        told: Callable[[int], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> None:
        self._engine, self._most, self._told = engine, max(1, most), told
        # This process measures shots on a device that a worker paints on: neither may take all of its memory.
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        self._cancel = cancel or threading.Event()
        self._planner = ThreadPoolExecutor(1, thread_name_prefix="plan")
        self._finisher = ThreadPoolExecutor(1, thread_name_prefix="finish")
        self._room = threading.Semaphore(AHEAD)
        self._closed = threading.Event()
        self._planned: dict[Future[ChunkedClip | list[RunReport]], Key] = {}
        self._painting: dict[ChunkedClip, Key] = {}
        self._finishing: dict[Future[list[RunReport]], ChunkedClip] = {}
        self._pending: list[Piece] = []
        self._running: dict[Any, tuple[Piece, float]] = {}
        self._pace: list[float] = []  # seconds a megapixel of finished pieces

    def add(self, key: Key, opener: Callable[[], ChunkedClip | list[RunReport]]) -> None:
        """Adds a clip; ``opener`` plans it, or paints one that cannot be painted in chunks and gives its reports."""

        def opened() -> ChunkedClip | list[RunReport]:
            while not self._room.acquire(timeout=0.2):
                if self._closed.is_set():
                    raise Interrupted("stopped")
            return opener()

        self._planned[self._planner.submit(opened)] = key

    def results(self) -> Iterator[tuple[Key, Result]]:
        """What became of each clip as it ends, until none is left; more may be added meanwhile.

        Raises:
            Interrupted: if ``cancel`` was set; finished chunks are kept.
            DeviceError: if there is no such crew.
        """
        crew: Crew | None = None
        try:
            crew = make_crew(self._engine, self._most)
            while self._planned or self._painting:
                if self._cancel.is_set():
                    stopped = Interrupted("stopped")
                    raise next((clip.explained(stopped) for clip in self._painting), stopped)
                yield from self._take_in()
                self._hand_out(crew)
                if self._running:
                    for handle in crew.ended(self._running, 0.2):
                        yield from self._ended(crew, handle)
                else:
                    waiting: list[Future[Any]] = [*self._planned, *self._finishing]
                    wait(waiting, 0.2, FIRST_COMPLETED)
                yield from self._finished()
        finally:
            self._closed.set()
            self._planner.shutdown(wait=False, cancel_futures=True)
            if crew is not None:
                crew.close()
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
            except Exception as error:  # of whatever kind: other clips are on their way
                self._room.release()
                yield key, error
                continue
            if not isinstance(clip, ChunkedClip):
                self._room.release()
                yield key, clip
                continue
            self._painting[clip] = key
            if self._told is not None and clip.resumed:
                self._told(clip.resumed)
            pieces = clip.pieces()
            if not pieces:
                self._finishing[self._finisher.submit(clip.finish)] = clip
            # No long one is left for the end; equal ones stay in order.
            self._pending = sorted([*self._pending, *pieces], key=lambda piece: -piece.cost)

    def _hand_out(self, crew: Crew) -> None:
        while crew.free() and (self._pending or (crew.copies and not self._planned)):
            piece = self._pending.pop(0) if self._pending else self._late()
            if piece is None:
                return
            piece.attempts += 1
            self._running[crew.start(piece)] = piece, time.monotonic()

    def _late(self) -> Piece | None:
        """A piece that takes far longer than its size explains and that one worker only is painting."""
        if not self._pace:
            return None
        usual, now = statistics.median(self._pace), time.monotonic()
        copies = [piece for piece, _ in self._running.values()]
        late = [
            (now - since - LATE * usual * piece.cost, piece)
            for piece, since in self._running.values()
            if sum(other is piece for other in copies) == 1 and not piece.done and piece.clip in self._painting
        ]
        over, piece = max(late, key=lambda item: item[0], default=(-math.inf, None))
        return piece if over > 0 else None

    def _ended(self, crew: Crew, handle: Any) -> Iterator[tuple[Key, Result]]:
        piece, since = self._running.pop(handle)
        clip, others = piece.clip, [other for other, _ in self._running.values()]
        error: Exception | None = None
        try:
            crew.result(handle)
        except Exception as met:  # as above
            error = met
        if piece.done or clip not in self._painting:
            return  # a copy was faster, or the clip has failed already
        if error is None:
            piece.done = True
            self._pace.append((time.monotonic() - since) / max(piece.cost, 1e-6))
            if self._told is not None:
                self._told(piece.frames)
            if not any(other.clip is clip and not other.done for other in [*self._pending, *others]):
                self._finishing[self._finisher.submit(clip.finish)] = clip
        elif any(other is piece for other in others):
            return  # another worker is at it still
        elif isinstance(error, OutputError | DeviceError) and piece.attempts < crew.attempts:
            log.warning("chunk %d of '%s' failed and is tried again: %s", piece.number, clip.jobs[0].input, error)
            self._pending.append(piece)
        else:
            yield self._failed(clip, error)

    def _failed(self, clip: ChunkedClip, error: Exception) -> tuple[Key, Result]:
        self._pending = [piece for piece in self._pending if piece.clip is not clip]
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
