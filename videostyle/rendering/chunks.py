"""Paints chunks of a clip: the unit of work of every engine, for one output of the clip or for several at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.errors import OutputError, UsageError
from videostyle.frames import VideoInfo
from videostyle.media.ffmpeg.codecs import holds_alpha
from videostyle.media.readers.base import Input
from videostyle.media.readers.open import look_at, open_reader
from videostyle.media.writers.images import WITH_ALPHA
from videostyle.processors.chain import Part, needs_together
from videostyle.processors.protocol import Borrowed
from videostyle.rendering.chunk_store import Conditions, check_machine, finished_chunks, missing_runs
from videostyle.rendering.chunk_writers import ChunkWriter, PictureChunkWriter
from videostyle.rendering.job_store import Job, load_job
from videostyle.rendering.painting import planned_chain
from videostyle.rendering.pipeline import Branch, RunReport, Trace, run_all
from videostyle.rendering.processor_cache import (
    ProcessorCache,
    machine_of,
    painting_options,
    process_cache,
)
from videostyle.rendering.progress import FramesFunction

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor


def paint_missing(
    jobs: Sequence[Job],
    source: Input,
    *,
    on_progress: FramesFunction | None = None,
    cancel: threading.Event | None = None,
    trace: Trace | None = None,
) -> list[list[RunReport]]:
    """Paints all chunks that are not finished, in this process; each run of chunks in one pass over the input.

    Args:
        jobs: outputs of one input that read it alike; their plans are on disk.
        source: the input.
        on_progress: called with the number of frames painted.
        cancel: set it to stop after the current batch.
        trace: called for each piece of work.

    Returns:
        For each job, a report of every pass in which it was painted.

    Raises:
        Interrupted: if ``cancel`` was set; finished chunks are kept.
        VideostyleError: if painting fails; finished chunks are kept.
    """
    missing = [set(range(len(job.plan.chunks))) - finished_chunks(job) for job in jobs]
    reports: dict[Path, list[RunReport]] = {job.folder: [] for job in jobs}
    for group, numbers in missing_runs(jobs, missing):
        found = paint_chunks(group, numbers, source, on_progress=on_progress, cancel=cancel, trace=trace)
        for job, report in zip(group, found, strict=True):
            reports[job.folder].append(report)
    return [reports[job.folder] for job in jobs]


def paint_chunks(
    jobs: Sequence[Job],
    numbers: Sequence[int],
    source: Input,
    cache: ProcessorCache | None = None,
    *,
    on_progress: FramesFunction | None = None,
    cancel: threading.Event | None = None,
    trace: Trace | None = None,
) -> list[RunReport]:
    """Paints consecutive chunks in one pass over the input, for all of ``jobs``, and commits each.

    Args:
        jobs: outputs of one input that read it alike and have the same chunks; their plans are on disk.
        numbers: consecutive chunks.
        source: the input.
        cache: keeps processors from one call to the next; None = the cache of this process.
        on_progress: called with the number of frames painted.
        cancel: set it to stop after the current batch.
        trace: called for each piece of work.

    Returns:
        A report for each job.

    Raises:
        DeviceError: if a job is strict, and its finished chunks were painted on a different machine.
        VideostyleError: if anything else fails.
    """
    plan, options = jobs[0].plan, jobs[0].settings.reading(1)
    measured = open_reader(source, options)
    info = measured.info
    style_processors = (cache or process_cache(None)).take(jobs, info)
    batch = max(style_processor.frames_per_batch(info) for style_processor in style_processors)
    branches = [
        _branch(job, style_processor, info, numbers, measured.pictures)
        for job, style_processor in zip(jobs, style_processors, strict=True)
    ]
    alpha = any(_holds_alpha(job) for job in jobs)
    reader = open_reader(source, painting_options(replace(options, batch_size=batch), alpha))
    # Warnings of the plan that this reader does not begin with mean damage: then a seek cannot be trusted.
    intact = set(plan.warnings) <= set(reader.warnings)
    first, last = plan.chunks[numbers[0]][0], sum(plan.chunks[numbers[-1]])
    needs = [needs_together(branch.processors) for branch in branches]
    begin = max(0, first - max(history for history, _ in needs))
    end = min(len(plan.times), last + max(lookahead for _, lookahead in needs))
    reader.read_part(begin, end - begin, plan.times if intact else None)
    return run_all(reader, branches, on_progress=on_progress, cancel=cancel, trace=trace)


def _holds_alpha(job: Job) -> bool:
    if job.pictures:
        return Path(job.pictures).suffix.lower() in WITH_ALPHA
    return holds_alpha(job.settings.codec, job.output.suffix, job.settings.pix_fmt)


def _branch(
    job: Job, style_processor: StyleProcessor, info: VideoInfo, numbers: Sequence[int], pictures: Sequence[Path]
) -> Branch:
    """The branch of a run that paints and writes one output; the processor outlives the run.

    Args:
        job: the output.
        style_processor: paints it.
        info: of the frames that are read.
        numbers: of the chunks.
        pictures: the files of all frames, where those are pictures.
    """
    machine = machine_of(style_processor, job.settings, info)
    check_machine(job, machine)
    chain = [Borrowed(processor) for processor in planned_chain(style_processor, job.settings, job.plan)]
    earlier = len(style_processor.warnings)  # of earlier runs

    def conditions() -> Conditions:
        return Conditions(machine, tuple(style_processor.warnings[earlier:]))

    def writer(painted: VideoInfo) -> PictureChunkWriter | ChunkWriter:
        if job.pictures:
            return PictureChunkWriter(job, painted, numbers, conditions, pictures)
        return ChunkWriter(job, painted, numbers, conditions)

    chunks = job.plan.chunks
    first, last = chunks[numbers[0]][0], sum(chunks[numbers[-1]])
    part = Part(first, last - first, [begin for begin, _ in chunks])
    return Branch(chain, writer, part)


def warm_up() -> None:
    """Loads the backend in a worker, before there is anything to paint."""
    from videostyle.inference.startup import load_backend

    load_backend(frames_side_by_side=True)


def paint_in_folders(folders: Sequence[str], numbers: Sequence[int], device: str | None = None) -> None:
    """Paints those of the given chunks that are not finished: the work of a worker.

    Args:
        folders: folders of jobs of one clip.
        numbers: numbers of the chunks.
        device: the device to paint on; None = that of the settings.

    Raises:
        OutputError: if there is no job in a folder.
        UsageError: if there is no such chunk.
    """
    from videostyle.inference.startup import load_backend

    load_backend(frames_side_by_side=True)
    jobs = []
    for folder in folders:
        job = load_job(Path(folder))
        if job is None:
            raise OutputError(f"there is no planned render in '{folder}'", hint="plan the render first, with `plan`")
        if outside := [n for n in numbers if not 0 <= n < len(job.plan.chunks)]:
            raise UsageError(
                f"there is no chunk {outside[0]}",
                f"the job has chunks 0 to {len(job.plan.chunks) - 1}",
                hint="give one of these",
            )
        jobs.append(job)
    source: Input | None = None
    for group, missing in missing_runs(jobs, [set(numbers) - finished_chunks(job, numbers) for job in jobs]):
        source = source or look_at(jobs[0].input)
        paint_chunks(group, missing, source, process_cache(device))
