"""Plans the outputs of an input: plans of interrupted renders are used again, the others are made in one pass."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.errors import OutputError
from videostyle.frames import VideoInfo
from videostyle.media.atomic import disk_error, disk_free
from videostyle.media.readers.base import FrameReader
from videostyle.media.readers.open import open_reader
from videostyle.media.writers.images import ImageWriter
from videostyle.rendering.canvas import CanvasFollower
from videostyle.rendering.chunk_store import finished_chunks, remove_abandoned
from videostyle.rendering.job_store import Job, differences, fingerprint, load_job, remove_job, save_job
from videostyle.rendering.outputs import Output
from videostyle.rendering.plan import BYTES_A_PIXEL, Plan, chunk_borders
from videostyle.rendering.processor_cache import machine_of
from videostyle.rendering.progress import ProgressFunction
from videostyle.rendering.shots import find_shots, measure_section, segments_of
from videostyle.resources import usable_cores

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor

ENCODER_THREADS = 16  # more make no encoder faster, but take memory

log = logging.getLogger("videostyle")


@dataclass(frozen=True)
class Planned:
    """What is known before painting begins.

    Attributes:
        jobs: one for each output, in order; () for a still.
        in_chunks: whether all are painted in chunks, their plans on the disk; else all in one pass.
    """

    jobs: tuple[Job, ...]
    in_chunks: bool


def plan_outputs(
    outputs: Sequence[Output],
    source: FrameReader,
    on_progress: ProgressFunction | None = None,
    *,
    restart: bool = False,
    always: bool = False,
) -> Planned:
    """Finds plans of interrupted renders, makes the others in one pass over the input, and saves those.

    Args:
        outputs: of the input.
        source: reads the input as all of them need it.
        on_progress: called with the frames that were read.
        restart: delete what interrupted renders of the same outputs left.
        always: paint in chunks even where there is one only.

    Raises:
        OutputError: if what is kept belongs to another render, or a plan cannot be written.
        InputError: if the input cannot be decoded.
    """
    if source.info.still:
        return Planned((), False)
    in_chunks = all(output.writer.in_parts for output in outputs)
    wanted = [_new_job(output, source) for output in outputs]
    kept = [
        _kept_job(job, o.settings.threads, restart) if in_chunks else None
        for job, o in zip(wanted, outputs, strict=True)
    ]
    fresh = [n for n, job in enumerate(kept) if job is None]
    plans = make_plans([outputs[n].style_processor for n in fresh], source, on_progress) if fresh else []
    jobs = list(kept)
    for number, plan in zip(fresh, plans, strict=True):
        jobs[number] = replace(wanted[number], plan=plan)
        writer = outputs[number].writer
        if isinstance(writer, ImageWriter) and writer.in_parts:
            writer.vet(len(plan.times))
            always = True  # only records of chunks tell how far a sequence got
    several = len(fresh) < len(outputs) or any(len(plan.chunks) > 1 for plan in plans)
    found = tuple(job for job in jobs if job is not None)
    if in_chunks and (always or several):
        for number in fresh:
            _save_new(found[number], source.info)
        return Planned(found, True)
    return Planned(found, False)


def make_plans(
    style_processors: Sequence[StyleProcessor], source: FrameReader, on_progress: ProgressFunction | None = None
) -> list[Plan]:
    """Reads an input once for several styles: shots, their statistics, where the canvas lies, times, chunks.

    Args:
        style_processors: measure the shots, each for its style.
        source: reads the input as all of them need it.
        on_progress: called with the frames that were read.

    Returns:
        A plan for each style; they differ in the statistics only.
    """
    info = source.info
    on_frames = (lambda count: on_progress("plan", count, info.frame_count)) if on_progress else None
    follower = CanvasFollower(info.width / info.height) if any(s.on_canvas for s in style_processors) else None
    with open_reader(source.input, source.options) as reader:
        shots, times = find_shots(
            reader,
            lambda frames: [measure_section(frames, s.statistics_of) for s in style_processors],
            on_frames,
            follower,
        )
        warnings = tuple(reader.warnings)
    chunks = chunk_borders(len(times), [shot.first for shot in shots])
    meshes = follower.track() if follower else None
    return [Plan(segments_of(shots, n), chunks, tuple(times), warnings, meshes) for n in range(len(style_processors))]


def _new_job(output: Output, source: FrameReader) -> Job:
    """The job of an output, its plan still empty."""
    settings, style_processor = output.settings, output.style_processor
    settings = replace(settings, threads=settings.threads or min(usable_cores(), ENCODER_THREADS))
    writer = output.writer
    pictures = writer.pattern if isinstance(writer, ImageWriter) and writer.in_parts else ""
    return Job(
        input=source.path.resolve(),
        output=Path(os.path.abspath(output.target)),
        settings=settings,
        fingerprint=fingerprint(source.files, settings, style_processor.style),
        machine=machine_of(style_processor, settings, source.info),
        plan=Plan((), (), ()),
        style=style_processor.style,
        pictures=pictures,
        numbers=source.numbers if pictures else (),
    )


def _kept_job(job: Job, threads: int | None, restart: bool) -> Job | None:
    """The job of an interrupted render that can be resumed, with its plan; None if there is none.

    Where its settings name another device, precision or batch size, it is saved anew with those of ``job``.

    Args:
        job: without a plan.
        threads: of the encoder, if the user named a number.
        restart: delete what there is.

    Raises:
        OutputError: if what is kept belongs to another render.
    """
    if restart and not job.pictures:  # without its folder an incomplete sequence would look complete
        remove_job(job.folder)
    found = load_job(job.folder)
    if found is None or restart:
        return None
    changed = differences(found.fingerprint, job.fingerprint)
    if changed:
        done = len(finished_chunks(found))
        raise OutputError(
            f"a partial render of '{job.output}' exists with different: {', '.join(changed)}",
            f"it has {done} finished chunks",
            "finish it with its own settings, or choose another name; `restart` deletes it",
        )
    remove_abandoned(job.folder)
    settings = replace(job.settings, threads=threads or found.settings.threads)
    if settings == found.settings:
        return found
    resumed = replace(job, settings=settings, plan=found.plan)
    _save(resumed)
    return resumed


def _save(job: Job) -> None:
    try:
        save_job(job)
    except OSError as error:
        raise disk_error(job.output, error) from error


def _save_new(job: Job, info: VideoInfo) -> None:
    """Writes a new job's plan to the disk, after checking how much room there is."""
    # At the end there are, for a moment, both the chunks and the file made of them.
    needed = 2 * BYTES_A_PIXEL * len(job.plan.times) * info.width * info.height
    free = disk_free(job.folder.parent)
    if needed > free:
        log.warning("about %.1f GB are needed beside '%s', %.1f GB are free", needed / 1e9, job.output, free / 1e9)
    remove_job(job.folder)
    _save(job)
