"""Who paints the chunks of a job: this process, several, or a Ray cluster. The unit of work is the chunk.

Every engine calls ``paint_chunks`` and commits in the same folder in the same way, so a job that was begun with
one engine can be finished with another.
"""

from __future__ import annotations

import importlib
import json
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videostyle.errors import DeviceError, Interrupted, OutputError, UsageError, VideostyleError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.io import ffmpeg
from videostyle.io.files import disk_error
from videostyle.io.probe import stored_frames
from videostyle.io.sink import StreamEncoder, VideoSink
from videostyle.io.source import FrameSource, open_source
from videostyle.pipeline import RunReport, Trace, run
from videostyle.processors.base import Kept
from videostyle.render.job import (
    Job,
    chunk_files,
    commit_chunk,
    finished_chunks,
    load_job,
    part_path,
    remove_job,
    runs,
)
from videostyle.render.settings import Engine

if TYPE_CHECKING:
    from videostyle.processors.stylize import Stylize
    from videostyle.render.runner import ProgressFunction

log = logging.getLogger("videostyle")

ATTEMPTS = 3  # how often a chunk is tried on other workers before the job fails
RESUME = "run the same command again and it goes on from there"


class ChunkSink:
    """Writes consecutive chunks of a job, one encoder after the other, and commits each when it is complete.

    An encoder is finished in a thread of its own while the next one begins: it still holds frames back then.

    Args:
        job: the job.
        info: what the frames look like.
        numbers: the chunks, consecutive.
        done: called with the number of each committed chunk, from another thread.
    """

    def __init__(
        self, job: Job, info: VideoInfo, numbers: Sequence[int], done: Callable[[int], None] | None = None
    ) -> None:
        self.warnings: list[str] = []
        self._job, self._info, self._done = job, info, done
        self._numbers = list(numbers)
        self._codec = ffmpeg.codec_for(job.settings.encode.codec, job.output.suffix)
        self._finisher = ThreadPoolExecutor(1, thread_name_prefix="finish")
        self._pending: Future[None] | None = None
        self._encoder: StreamEncoder | None = None
        self._left = 0
        self._parts: list[Path] = []

    def write(self, batch: FrameBatch) -> None:
        """Takes one batch, which may reach over a border."""
        at = 0
        while at < len(batch):
            if self._encoder is None:
                if not self._numbers:
                    raise OutputError(f"'{self._job.input}' has more frames than when it was planned")
                number = self._numbers[0]
                part = part_path(self._job.folder, number)
                self._parts.append(part)
                self._encoder = StreamEncoder(part, self._info, self._codec, self._job.settings.encode)
                self._left = self._job.plan.chunks[number][1]
            count = min(self._left, len(batch) - at)
            part_of_batch = slice(at, at + count)
            self._encoder.write(
                replace(
                    batch, frames=batch.frames[part_of_batch], pts=batch.pts[part_of_batch], index=batch.index + at,
                    durations=None,
                )
            )  # fmt: skip
            at += count
            self._left -= count
            if not self._left:
                self._wait()
                self._pending = self._finisher.submit(self._finish, self._numbers.pop(0), self._encoder)
                self._encoder = None

    def _wait(self) -> None:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.result()

    def _finish(self, number: int, encoder: StreamEncoder) -> None:
        """Write, check, sync, rename, record."""
        part, frames = part_path(self._job.folder, number), self._job.plan.chunks[number][1]
        try:
            encoder.close()
            written = stored_frames(part)
            if written != frames:
                raise OutputError(f"chunk {number} cannot be finished", f"{written} of {frames} frames were encoded")
            commit_chunk(self._job, number, part)
        except OSError as error:
            raise disk_error(self._job.output, error) from error
        if self._done is not None:
            self._done(number)

    def close(self) -> Path:
        """Waits for the last chunk.

        Raises:
            OutputError: if a chunk is not complete.
        """
        try:
            self._wait()
            if self._encoder is not None or self._numbers:
                raise OutputError(
                    f"'{self._job.input}' has fewer frames than when it was planned",
                    f"chunk {self._numbers[0]} lacks {self._left or self._job.plan.chunks[self._numbers[0]][1]}",
                    "was it changed meanwhile? use --restart",
                )
        finally:
            self.abort()
        return self._job.folder

    def abort(self) -> None:
        """Ends the encoder and removes what is not committed."""
        if self._encoder is not None:
            self._encoder.kill()
        self._finisher.shutdown(wait=True)
        for part in self._parts:
            part.unlink(missing_ok=True)


def _open_part(job: Job, numbers: Sequence[int]) -> FrameSource:
    """The source, set to deliver the frames of consecutive chunks."""
    source = open_source(job.input, job.settings.reading(1))
    first = job.plan.chunks[numbers[0]][0]
    count = sum(job.plan.chunks[number][1] for number in numbers)
    # In a damaged file a seek may arrive elsewhere: then everything before is decoded again.
    source.part(first, count, None if job.plan.warnings else job.plan.times[first])
    return source


def paint_chunks(
    job: Job,
    numbers: Sequence[int],
    stylize: Stylize | None = None,
    *,
    progress: Callable[[int], None] | None = None,
    cancel: threading.Event | None = None,
    trace: Trace | None = None,
    done: Callable[[int], None] | None = None,
) -> RunReport:
    """Paints consecutive chunks in one pass and commits each: the unit of work of every engine.

    Args:
        job: the job, its plan on the disk.
        numbers: consecutive chunks.
        stylize: a processor for the job that outlives the call, to spare compiling; None = a new one.
        progress: called with frames painted.
        cancel: set it to stop after the batch in work.
        trace: told of each piece of work.
        done: called with each committed chunk.
    """
    from videostyle.render.runner import make_stylize, processors_of

    kept = stylize is not None
    stylize = stylize or make_stylize(job.style, job.settings, output="i420")
    stylize.use_shots(job.plan.shots)
    source = _open_part(job, numbers)
    source.options = replace(source.options, batch_size=stylize.batch_for_frames(source.info))
    sink: Callable[[VideoInfo], ChunkSink] = lambda info: ChunkSink(job, info, numbers, done)  # noqa: E731
    chain = processors_of(stylize, job.settings)
    if kept:
        chain = [Kept(processor) for processor in chain]
    return run(source, chain, sink, progress=progress, cancel=cancel, trace=trace)


@lru_cache(maxsize=1)
def _compiled(folder: str, identity: str, device: str | None) -> Stylize:
    """The processor of a job, kept while this process paints its chunks: compiling takes as long as many frames."""
    from videostyle.render.runner import make_stylize

    job = load_job(Path(folder))
    if job is None:
        raise OutputError(f"there is no planned render in '{folder}'")
    return make_stylize(job.style, replace(job.settings, device=device or job.settings.device), output="i420")


def paint_in_folder(folder: str, numbers: Sequence[int], device: str | None = None) -> list[int]:
    """``paint_chunks`` for a process that knows only where the job's folder is; skips what is finished already.

    Returns:
        The chunks that are finished now.

    Raises:
        OutputError: if there is no job in the folder.
    """
    from videostyle.processors.startup import load_tensorflow

    load_tensorflow(frames_side_by_side=True)
    job = load_job(Path(folder))
    if job is None:
        raise OutputError(f"there is no planned render in '{folder}'", hint="run 'videostyle render --plan' first")
    if outside := [n for n in numbers if not 0 <= n < len(job.plan.chunks)]:
        raise UsageError(f"there is no chunk {outside[0]}", f"the job has chunks 0 to {len(job.plan.chunks) - 1}")
    missing = set(numbers) - finished_chunks(job, numbers)
    stylize = _compiled(folder, json.dumps(job.fingerprint, sort_keys=True), device)
    for group in runs(sorted(missing)):
        paint_chunks(job, group, stylize)
    return sorted(numbers)


def paint_job(
    job: Job,
    sink: VideoSink,
    engine: Engine,
    *,
    progress: ProgressFunction | None = None,
    cancel: threading.Event | None = None,
    trace: Trace | None = None,
) -> RunReport:
    """Paints the chunks that are missing, assembles the output, removes the job's folder.

    Raises:
        Interrupted: if ``cancel`` was set; finished chunks are kept.
        VideostyleError: whatever a chunk met, after the engine's attempts; finished chunks are kept.
    """
    began = time.monotonic()
    finished = finished_chunks(job)
    missing = [n for n in range(len(job.plan.chunks)) if n not in finished]
    resumed = sum(job.plan.chunks[n][1] for n in finished)
    total = len(job.plan.times)
    if progress is not None and resumed:
        progress("paint", resumed, total)
    told = (lambda count: progress("paint", count, total)) if progress else None
    report: RunReport | None = None
    try:
        if engine.name == "ray":
            _by_tasks(_ray_tasks(job, missing, engine), job, told, cancel)
        elif (engine.workers or 1) > 1 and len(missing) > 1:
            _by_tasks(_process_tasks(job, missing, engine), job, told, cancel)
        else:
            for group in runs(missing):
                report = paint_chunks(job, group, progress=told, cancel=cancel, trace=trace)
        output = sink.assemble(chunk_files(job), job.plan.times)
    except Interrupted as error:
        raise Interrupted("stopped", f"finished chunks are kept in '{job.folder.name}'", RESUME) from error
    except OutputError as error:
        kept = sum(job.plan.chunks[n][1] for n in finished_chunks(job))
        hint = error.hint or "see above"
        if kept:
            hint = f"{hint}; {kept} of {total} painted frames are kept: {RESUME}"
        raise OutputError(error.what, error.why, hint) from error
    remove_job(job.folder)
    busy = report.busy if report is not None else {}
    first = report.first_frame if report is not None else 0.0
    warnings = (*job.plan.warnings, *sink.warnings)
    return RunReport(output, total, time.monotonic() - began, first, warnings, dict(busy), resumed)


# -- engines that hand chunks out --------------------------------------------------------------------------------


def longest_first(job: Job, numbers: Iterable[int]) -> list[int]:
    """Chunks by falling cost, so that no long one is left for the end; equal ones in order."""
    return sorted(numbers, key=lambda number: (-job.plan.chunks[number][1], number))


def _by_tasks(
    tasks: Iterator[list[int]], job: Job, told: Callable[[int], None] | None, cancel: threading.Event | None
) -> None:
    """Follows an engine: each item names finished chunks, an empty one is a moment to look at ``cancel``."""
    for finished in tasks:
        if told is not None:
            for number in finished:
                told(job.plan.chunks[number][1])
        if cancel is not None and cancel.is_set():
            raise Interrupted("stopped")


def _process_tasks(job: Job, numbers: Sequence[int], engine: Engine) -> Iterator[list[int]]:
    """Chunks by processes of this machine."""
    workers = min(engine.workers or 1, len(numbers))
    context = multiprocessing.get_context("spawn")
    devices = engine.devices or (job.settings.device,)
    # Processes share the cores; each would otherwise take them all for its threads.
    environment = {"VIDEOSTYLE_THREADS": str(max(1, (os.cpu_count() or 1) // workers))}
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    pool = ProcessPoolExecutor(workers, mp_context=context)
    try:
        futures = [
            pool.submit(paint_in_folder, str(job.folder), [number], devices[i % len(devices)])
            for i, number in enumerate(longest_first(job, numbers))
        ]
        left = set(futures)
        while left:
            try:
                for future in as_completed(left, timeout=0.5):
                    left.discard(future)
                    yield future.result()
            except TimeoutError:
                yield []
    except BrokenProcessPool as error:
        raise DeviceError("a worker died", "out of memory?", f"use fewer --workers, and {RESUME}") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _ray_tasks(job: Job, numbers: Sequence[int], engine: Engine) -> Iterator[list[int]]:
    """Chunks as Ray tasks; those that fail, or whose node is lost, are tried again elsewhere."""
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise DeviceError("Ray is not installed", str(error), "pip install 'videostyle[cluster]'") from error
    ours = not ray.is_initialized()
    if ours:
        quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
        if engine.address is None:
            # The dashboard would listen on a port: nobody asked for it.
            quiet |= {"include_dashboard": False}
        try:
            ray.init(address=engine.address, **quiet)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise DeviceError(f"cannot reach the Ray cluster '{engine.address}'", str(error)) from error
    try:
        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        nodes = max(1, sum(1 for node in ray.nodes() if node["Alive"]))
        gpus = int(ray.cluster_resources().get("GPU", 0))
        workers = min(len(numbers), engine.workers or (gpus or nodes))
        needs: dict[str, Any] = {"num_cpus": max(1, cores // max(workers, nodes)), "num_gpus": 1 if gpus else 0}
        environment = {"env_vars": {"VIDEOSTYLE_THREADS": str(needs["num_cpus"])}}
        remote = ray.remote(**needs, max_retries=ATTEMPTS)(paint_in_folder).options(runtime_env=environment)
        pending, attempts = longest_first(job, numbers), dict.fromkeys(numbers, 0)
        running: dict[Any, int] = {}
        while pending or running:
            while pending and len(running) < workers:
                number = pending.pop(0)
                attempts[number] += 1
                running[remote.remote(str(job.folder), [number])] = number
            ready, _ = ray.wait(list(running), num_returns=1, timeout=0.5)
            if not ready:
                yield []
            for task in ready:
                number = running.pop(task)
                try:
                    yield ray.get(task)
                except ray.exceptions.RayError as error:
                    cause = getattr(error, "cause", None)
                    if isinstance(cause, VideostyleError) and not isinstance(cause, OutputError | DeviceError):
                        raise cause from error
                    if attempts[number] >= ATTEMPTS:
                        raise (cause if isinstance(cause, VideostyleError) else OutputError(
                            f"chunk {number} failed {ATTEMPTS} times", str(error).splitlines()[-1]
                        )) from error  # fmt: skip
                    log.warning("chunk %d failed and is tried again: %s", number, cause or type(error).__name__)
                    pending.append(number)
    finally:
        if ours:
            ray.shutdown()
