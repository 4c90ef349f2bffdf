"""Paints chunks of a clip: the unit of work of every engine, for one output of the clip or for several at once."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.errors import OutputError, UsageError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.media.atomic import disk_error
from videostyle.media.ffmpeg.codecs import codec_for
from videostyle.media.packets import stored_frames, stored_header
from videostyle.media.provenance import embed
from videostyle.media.readers.open import open_reader
from videostyle.media.writers.encoder import StreamEncoder
from videostyle.media.writers.images import ImageWriter
from videostyle.processors.protocol import Borrowed
from videostyle.rendering.chunk_store import (
    Conditions,
    check_header,
    check_machine,
    commit_chunk,
    commit_pictures,
    finished_chunks,
    missing_runs,
    part_path,
)
from videostyle.rendering.job_store import Job, load_job
from videostyle.rendering.naming import provenance_of
from videostyle.rendering.pipeline import Branch, RunReport, Trace, run_all
from videostyle.rendering.processor_cache import ProcessorCache, machine_of, process_cache, processors_of

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor


class ChunkSink:
    """Writes consecutive chunks of a job, one encoder after the other, and commits each when it is complete.

    An encoder is finished in a thread of its own while the next one begins: it still holds frames back then.

    Args:
        job: the job.
        info: what the frames look like.
        numbers: the chunks, consecutive.
        conditions: says how a chunk came about, when it is complete.
        done: called with the number of each committed chunk, from another thread.
    """

    def __init__(
        self,
        job: Job,
        info: VideoInfo,
        numbers: Sequence[int],
        conditions: Callable[[], Conditions],
        done: Callable[[int], None] | None = None,
    ) -> None:
        self.warnings: list[str] = []
        self._job, self._info, self._conditions, self._done = job, info, conditions, done
        self._numbers = list(numbers)
        self._codec = codec_for(job.settings.encode.codec, job.output.suffix)
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
                    raise OutputError(
                        f"'{self._job.input}' has more frames than when it was planned",
                        hint="the input has changed: use --restart",
                    )
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
        with _reported(self._job, number, self._done):
            encoder.close()
            written = stored_frames(part)
            if written != frames:
                raise OutputError(
                    f"chunk {number} cannot be finished",
                    f"{written} of {frames} frames were encoded",
                    hint="run the same command again",
                )
            header = hashlib.sha256(stored_header(part)).hexdigest()
            check_header(self._job, number, header)
            commit_chunk(self._job, number, part, replace(self._conditions(), header=header))

    def close(self) -> Path:
        """Waits for the last chunk.

        Raises:
            OutputError: if a chunk is not complete.
        """
        try:
            self._wait()
            if self._encoder is not None or self._numbers:
                raise _too_few(self._job, self._numbers[0])
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


class PictureChunkSink:
    """Writes the pictures of consecutive chunks of a job to their places, and records each chunk that is complete.

    Args:
        job: the job.
        info: what the frames look like.
        numbers: the chunks, consecutive.
        conditions: says how a chunk came about, when it is complete.
        done: called with the number of each recorded chunk.
    """

    def __init__(
        self,
        job: Job,
        info: VideoInfo,
        numbers: Sequence[int],
        conditions: Callable[[], Conditions],
        done: Callable[[int], None] | None = None,
    ) -> None:
        mark = provenance_of(job.style, job.settings).xmp()
        options = replace(job.settings.encode, overwrite=True)  # what a broken-off run left of a chunk is painted again
        self._sink = ImageWriter(Path(job.pictures), info, options, lambda file: embed(file, mark))
        self.warnings = self._sink.warnings
        self._job, self._numbers, self._conditions, self._done = job, list(numbers), conditions, done

    def write(self, batch: FrameBatch) -> None:
        """Takes one batch, which may reach over a border."""
        self._sink.write(batch)
        while self._numbers and batch.index + len(batch) >= sum(self._job.plan.chunks[self._numbers[0]]):
            number = self._numbers.pop(0)
            with _reported(self._job, number, self._done):
                commit_pictures(self._job, number, self._conditions())

    def close(self) -> Path:
        """Looks whether all chunks came.

        Raises:
            OutputError: if one is not complete.
        """
        if self._numbers:
            raise _too_few(self._job, self._numbers[0])
        return self._job.folder

    def abort(self) -> None:
        """Nothing: pictures that are written are whole, and a chunk without a record is painted again."""


@contextmanager
def _reported(job: Job, number: int, done: Callable[[int], None] | None) -> Iterator[None]:
    """Calls ``done`` if the chunk inside was committed; a failing disk is said to be one."""
    try:
        yield
    except OSError as error:
        raise disk_error(job.output, error) from error
    if done is not None:
        done(number)


def _too_few(job: Job, number: int) -> OutputError:
    return OutputError(
        f"'{job.input}' has fewer frames than when it was planned",
        f"chunk {number} is not complete",
        "if the input was changed, render it under another name with -o",
    )


def _branch(
    job: Job, stylize: StyleProcessor, info: VideoInfo, numbers: Sequence[int], done: Callable[[int], None] | None
) -> Branch:
    """What becomes of a batch for one output; the processor outlives the run."""
    machine = machine_of(stylize, job.settings, info)
    check_machine(job, machine)
    stylize.use_shots(job.plan.segments)
    stylize.use_meshes(job.plan.meshes)
    chain = [Borrowed(processor) for processor in processors_of(stylize, job.settings)]
    warned = len(stylize.warnings)  # those before are of other runs

    def conditions() -> Conditions:
        return Conditions(machine, tuple(stylize.warnings[warned:]))

    kind = PictureChunkSink if job.pictures else ChunkSink
    return Branch(chain, lambda painted: kind(job, painted, numbers, conditions, done))


def paint_chunks(
    jobs: Sequence[Job],
    numbers: Sequence[int],
    cache: ProcessorCache | None = None,
    *,
    progress: Callable[[int], None] | None = None,
    cancel: threading.Event | None = None,
    trace: Trace | None = None,
    done: Callable[[int], None] | None = None,
) -> list[RunReport]:
    """Paints consecutive chunks in one pass over the clip, for all of ``jobs``, and commits each.

    Args:
        jobs: outputs of one clip, read alike and with the same borders; their plans are on the disk.
        numbers: consecutive chunks.
        cache: where processors are kept from one call to the next; None = this process's own.
        progress: called with frames painted.
        cancel: set it to stop after the batch in work.
        trace: called for each piece of work.
        done: called with each committed chunk, once for each job.

    Returns:
        A report for each job.
    """
    plan, cache = jobs[0].plan, cache or process_cache(None)
    source = open_reader(jobs[0].input, jobs[0].settings.reading(1))
    try:
        first = plan.chunks[numbers[0]][0]
        frames = sum(plan.chunks[number][1] for number in numbers)
        stylizes = cache.take(jobs, source.info)
        batch = max(stylize.batch_for_frames(source.info) for stylize in stylizes)
        source = open_reader(source.input, replace(source.options, batch_size=batch))
        # What else the plan warns of is damage, with which a seek cannot be trusted.
        intact = set(plan.warnings) <= set(source.warnings)
        source.read_part(first, frames, plan.times if intact else None)
        branches = [
            _branch(job, stylize, source.info, numbers, done) for job, stylize in zip(jobs, stylizes, strict=True)
        ]
    except BaseException:
        source.close()
        raise
    return run_all(source, branches, progress=progress, cancel=cancel, trace=trace)


def warm_up() -> None:
    """Loads TensorFlow in a worker while there is nothing to paint yet."""
    from videostyle.inference.startup import load_tensorflow

    load_tensorflow(frames_side_by_side=True)


def paint_in_folders(folders: Sequence[str], numbers: Sequence[int], device: str | None = None) -> None:
    """``paint_chunks`` for a process that knows only where the jobs' folders are; skips what is finished already.

    Args:
        folders: of jobs of one clip.
        numbers: chunks.
        device: what to paint on; None = what the settings say.

    Raises:
        OutputError: if there is no job in a folder.
        UsageError: if there is no such chunk.
    """
    from videostyle.inference.startup import load_tensorflow

    load_tensorflow(frames_side_by_side=True)
    jobs = []
    for folder in folders:
        job = load_job(Path(folder))
        if job is None:
            raise OutputError(f"there is no planned render in '{folder}'", hint="run 'videostyle render --plan' first")
        if outside := [n for n in numbers if not 0 <= n < len(job.plan.chunks)]:
            raise UsageError(
                f"there is no chunk {outside[0]}",
                f"the job has chunks 0 to {len(job.plan.chunks) - 1}",
                hint="give one of these",
            )
        jobs.append(job)
    for group, missing in missing_runs(jobs, [set(numbers) - finished_chunks(job, numbers) for job in jobs]):
        paint_chunks(group, missing, process_cache(device))
