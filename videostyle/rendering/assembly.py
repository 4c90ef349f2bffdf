"""Assembles outputs from their finished chunks."""

from __future__ import annotations

import time
from collections.abc import Sequence

from videostyle.errors import DeviceError, Interrupted, OutputError, VideostyleError
from videostyle.media.writers.images import ImageWriter
from videostyle.media.writers.video import VideoWriter
from videostyle.rendering.chunk_store import chunk_files, conditions_of, differing_machines, finished_chunks
from videostyle.rendering.job_store import RESUME_HINT, Job, remove_job
from videostyle.rendering.pipeline import RunReport


def assemble(
    jobs: Sequence[Job],
    writers: Sequence[VideoWriter | ImageWriter],
    began: float,
    resumed: Sequence[int],
    passes: Sequence[Sequence[RunReport]],
) -> list[RunReport]:
    """Assembles outputs, and removes the folders of their jobs.

    Args:
        jobs: jobs whose chunks are all finished.
        writers: the writers of their outputs.
        began: when painting began (time.monotonic).
        resumed: for each job, frames that an earlier run had painted.
        passes: for each job, reports of the passes in which this process painted it.

    Returns:
        A report for each output.

    Raises:
        OutputError: if one cannot be assembled; its chunks are kept.
        DeviceError: if a job is strict, and its chunks were painted on different machines.
    """
    reports = []
    for job, writer, before, painted in zip(jobs, writers, resumed, passes, strict=True):
        warnings = _warnings_of(job)
        output = writer.assemble(chunk_files(job), job.plan.times)
        remove_job(job.folder)
        stages = {stage for report in painted for stage in report.busy}
        reports.append(
            RunReport(
                output,
                len(job.plan.times),
                time.monotonic() - began,
                painted[0].first_frame if painted else 0.0,
                (*warnings, *writer.warnings),
                {stage: sum(report.busy.get(stage, 0.0) for report in painted) for stage in stages},
                before,
            )
        )
    return reports


def with_what_is_kept(error: VideostyleError, jobs: Sequence[Job]) -> VideostyleError:
    """The error, with what is kept of some jobs and how to resume, where that helps."""
    if isinstance(error, Interrupted):
        names = ", ".join(f"'{job.folder.name}'" for job in jobs)
        return Interrupted("stopped", f"finished chunks are kept in {names}", RESUME_HINT)
    if not isinstance(error, OutputError):
        return error
    kept = sum(job.plan.chunks[n][1] for job in jobs for n in finished_chunks(job))
    if not kept:
        return error
    frames = sum(len(job.plan.times) for job in jobs)
    hints = [error.hint, f"{kept} of {frames} painted frames are kept: {RESUME_HINT}"]
    return OutputError(error.what, error.why, "; ".join(filter(None, hints)))


def _warnings_of(job: Job) -> list[str]:
    """The warnings of planning a clip and painting its chunks, each once.

    Raises:
        DeviceError: if chunks were painted on different machines, and the job is strict.
    """
    said = [*job.plan.warnings, *(warning for c in conditions_of(job).values() for warning in c.warnings)]
    if names := differing_machines(job):
        differs = f"chunks of '{job.output.name}' were painted with different: {', '.join(names)}"
        if job.settings.strict:
            raise DeviceError(differs, hint="leave `strict` out to assemble them all the same")
        said.append(f"{differs}; their frames may differ in the last bits (`strict` refuses that)")
    return list(dict.fromkeys(said))
