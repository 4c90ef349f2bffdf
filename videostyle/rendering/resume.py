"""Which unfinished render of an output may go on: what its frames depend on is compared with what is asked for."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

from videostyle.errors import OutputError
from videostyle.frames import VideoInfo
from videostyle.media.atomic import disk_error, disk_free
from videostyle.media.readers.base import FrameReader
from videostyle.media.writers.images import ImageWriter
from videostyle.rendering.chunk_store import finished_chunks, remove_abandoned
from videostyle.rendering.job_store import Job, differences, fingerprint, load_job, remove_job, save_job
from videostyle.rendering.outputs import Output
from videostyle.rendering.plan import BYTES_A_PIXEL, Plan
from videostyle.rendering.processor_cache import machine_of

ENCODER_THREADS = 16  # more make no encoder faster, but take memory

log = logging.getLogger("videostyle")


def new_job(source: FrameReader, output: Output) -> Job:
    """The job of an output, but for its plan."""
    settings, stylize = output.settings, output.stylize
    settings = replace(settings, threads=settings.threads or min(os.cpu_count() or 1, ENCODER_THREADS))
    pictures = output.sink.pattern if isinstance(output.sink, ImageWriter) else ""
    return Job(
        input=source.path.resolve(),
        output=Path(os.path.abspath(output.target)),
        settings=settings,
        fingerprint=fingerprint(source.files, settings, stylize.style),
        machine=machine_of(stylize, settings, source.info),
        plan=Plan((), (), ()),
        style=stylize.style,
        pictures=pictures,
    )


def reusable(job: Job, threads: int | None, restart: bool) -> Job | None:
    """The job of a broken-off render that can be resumed, with its plan; None if there is none.

    Where its settings name another device, precision or batch size, it is saved anew with those of ``job``.

    Args:
        job: without a plan.
        threads: of the encoder, if the user named a number.
        restart: throw away what there is.

    Raises:
        OutputError: if what is kept belongs to another render.
    """
    if restart and not job.pictures:  # that a sequence is not whole is to be seen until it has another plan
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
            "finish it with its own settings, or choose another name with -o; --restart deletes it",
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


def save_new(job: Job, info: VideoInfo) -> None:
    """Writes a new job's plan to the disk, after checking how much room there is."""
    # For a moment chunks and the file made of them are there at the same time.
    needed = 2 * BYTES_A_PIXEL * len(job.plan.times) * info.width * info.height
    free = disk_free(job.folder.parent)
    if needed > free:
        log.warning("about %.1f GB are needed beside '%s', %.1f GB are free", needed / 1e9, job.output, free / 1e9)
    remove_job(job.folder)
    _save(job)
