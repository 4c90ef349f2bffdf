"""Which unfinished render of an output may go on: what its frames depend on is compared with what is asked for."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

from videostyle import __version__
from videostyle.errors import OutputError
from videostyle.frames import VideoInfo
from videostyle.media.atomic import disk_error, disk_free
from videostyle.media.readers.base import FrameReader
from videostyle.media.writers.images import ImageWriter
from videostyle.rendering.job_store import (
    Job,
    differences,
    fingerprint,
    load_job,
    remove_job,
    remove_parts,
    save_job,
)
from videostyle.rendering.outputs import Output
from videostyle.rendering.plan import BYTES_A_PIXEL, Plan

log = logging.getLogger("videostyle")


def unplanned(source: FrameReader, output: Output) -> Job:
    """A job with all but its plan: what was chosen for it, and the fingerprint of that."""
    from videostyle.inference.device import device_key
    from videostyle.media.ffmpeg import process as ffmpeg
    from videostyle.media.opencv import load_cv2

    settings, stylize = output.settings, output.stylize
    chosen = replace(
        settings,
        batch_size=stylize.frames_of_call(source.info),
        precision=stylize.precision,
        threads=settings.threads or os.cpu_count() or 1,
    )
    versions = {
        "videostyle": __version__,
        "device": device_key(stylize.device),
        "OpenCV": load_cv2().__version__,
        "ffmpeg": ffmpeg.version().split(" Copyright")[0],
    }
    mark = fingerprint(source.files, chosen, stylize.style, versions)
    target = Path(os.path.abspath(output.target))
    pictures = output.sink.pattern if isinstance(output.sink, ImageWriter) else ""
    return Job(source.path.resolve(), target, chosen, mark, Plan((), (), ()), stylize.style, pictures)


def reusable(job: Job, restart: bool) -> Job | None:
    """The planned job of a broken-off render that may go on; None if there is none.

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
        raise OutputError(
            f"the unfinished render kept for '{job.output}' is another one",
            f"it differs in: {', '.join(changed)}",
            "use --restart to begin anew, or another name with -o",
        )
    remove_parts(job.folder)
    return found


def save_new(job: Job, info: VideoInfo) -> None:
    """Puts a new job's plan on the disk, after a look at how much room there is."""
    # Chunks and the file made of them are there at the same time for a moment.
    needed = 2 * BYTES_A_PIXEL * len(job.plan.times) * info.width * info.height
    free = disk_free(job.folder.parent)
    if needed > free:
        log.warning("about %.1f GB are needed beside '%s', %.1f GB are free", needed / 1e9, job.output, free / 1e9)
    try:
        remove_job(job.folder)
        save_job(job)
    except OSError as error:
        raise disk_error(job.output, error) from error
