"""A planned clip with its outputs, and the chunks that are still missing of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from videostyle.errors import Interrupted, OutputError, VideostyleError
from videostyle.media.writers.images import ImageWriter
from videostyle.media.writers.video import VideoWriter
from videostyle.rendering.chunk_store import (
    chunk_files,
    conditions_of,
    differing_machines,
    finished_chunks,
    missing_runs,
)
from videostyle.rendering.chunks import paint_chunks
from videostyle.rendering.job_store import RESUME_HINT, Job, remove_job
from videostyle.rendering.pipeline import RunReport, Trace


@dataclass
class ChunkTask:
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
        self._reports: dict[Path, list[RunReport]] = {job.folder: [] for job in jobs}  # of this process

    @property
    def frames(self) -> int:
        """Frames of all outputs together."""
        return sum(len(job.plan.times) for job in self.jobs)

    @property
    def resumed(self) -> int:
        """Those of them that an earlier run had painted."""
        return sum(self._resumed)

    def tasks(self) -> list[ChunkTask]:
        """What is missing, chunk by chunk."""
        found = []
        for jobs, numbers in missing_runs(self.jobs, self.missing):
            for number in numbers:
                frames = len(jobs) * jobs[0].plan.chunks[number][1]
                folders = tuple(str(job.folder) for job in jobs)
                found.append(ChunkTask(self, folders, number, frames, frames * self._pixels / 1e6))
        return found

    def paint_here(
        self,
        on_progress: Callable[[int], None] | None = None,
        cancel: threading.Event | None = None,
        trace: Trace | None = None,
    ) -> None:
        """Paints what is missing in this process, as much as possible in one pass.

        Raises:
            Interrupted: if ``cancel`` was set; finished chunks are kept.
            VideostyleError: whatever a chunk met; finished chunks are kept.
        """
        try:
            for jobs, numbers in missing_runs(self.jobs, self.missing):
                reports = paint_chunks(jobs, numbers, progress=on_progress, cancel=cancel, trace=trace)
                for job, report in zip(jobs, reports, strict=True):
                    self._reports[job.folder].append(report)
        except VideostyleError as error:
            raise self.explained(error) from error

    def finish(self) -> list[RunReport]:
        """Assembles every output and removes its job's folder.

        Raises:
            OutputError: if one cannot be assembled; its chunks are kept.
        """
        reports = []
        for job, sink, resumed in zip(self.jobs, self._sinks, self._resumed, strict=True):
            warnings = _warnings_of(job)
            try:
                output = sink.assemble(chunk_files(job), job.plan.times)
            except VideostyleError as error:
                raise self.explained(error) from error
            remove_job(job.folder)
            here = self._reports[job.folder]
            stages = {stage for report in here for stage in report.busy}
            reports.append(
                RunReport(
                    output,
                    len(job.plan.times),
                    time.monotonic() - self._began,
                    here[0].first_frame if here else 0.0,
                    (*warnings, *sink.warnings),
                    {stage: sum(report.busy.get(stage, 0.0) for report in here) for stage in stages},
                    resumed,
                )
            )
        return reports

    def explained(self, error: VideostyleError) -> VideostyleError:
        """The error with what is kept and how to go on, where that is so."""
        if isinstance(error, Interrupted):
            names = ", ".join(f"'{job.folder.name}'" for job in self.jobs)
            return Interrupted("stopped", f"finished chunks are kept in {names}", RESUME_HINT)
        if not isinstance(error, OutputError):
            return error
        kept = sum(job.plan.chunks[n][1] for job in self.jobs for n in finished_chunks(job))
        if not kept:
            return error
        hint = f"{error.hint or 'see above'}; {kept} of {self.frames} painted frames are kept: {RESUME_HINT}"
        return OutputError(error.what, error.why, hint)

    def close(self) -> None:
        """Lets the outputs go; what is not finished stays in the jobs' folders."""
        for sink in self._sinks:
            sink.abort()


def _warnings_of(job: Job) -> list[str]:
    """What was not as it should be while a clip was planned and its chunks were painted, each said once.

    Raises:
        OutputError: if chunks were painted on different machines, and the job is strict.
    """
    said = [*job.plan.warnings, *(warning for c in conditions_of(job).values() for warning in c.warnings)]
    if names := differing_machines(job):
        differs = f"chunks of '{job.output.name}' were painted with different: {', '.join(names)}"
        if job.settings.strict:
            raise OutputError(differs, hint="leave --strict out to assemble them all the same")
        said.append(f"{differs}; their frames may differ in the last bits (--strict refuses that)")
    return list(dict.fromkeys(said))
