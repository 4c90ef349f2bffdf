"""A planned clip whose chunks are painted by workers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from videostyle.errors import VideostyleError
from videostyle.media.writers.images import ImageWriter
from videostyle.media.writers.video import VideoWriter
from videostyle.rendering.assembly import assemble, with_what_is_kept
from videostyle.rendering.chunk_store import finished_chunks, missing_runs
from videostyle.rendering.job_store import Job
from videostyle.rendering.pipeline import RunReport


@dataclass
class ChunkTask:
    """The task of a worker: one chunk of a clip, for all outputs in which it is missing."""

    clip: ChunkedClip
    folders: tuple[str, ...]
    number: int
    frames: int  # to paint, over all outputs
    cost: float  # megapixels
    attempts: int = 0
    done: bool = False


class ChunkedClip:
    """A clip that workers paint in chunks.

    Args:
        jobs: one for each output; their plans are on disk.
        writers: of the outputs, opened.
        pixels: pixels of a frame.
    """

    def __init__(self, jobs: Sequence[Job], writers: Sequence[VideoWriter | ImageWriter], pixels: int) -> None:
        self.jobs, self._writers, self._pixels = jobs, writers, pixels
        self._began = time.monotonic()
        finished = [finished_chunks(job) for job in jobs]
        self._missing = [set(range(len(job.plan.chunks))) - done for job, done in zip(jobs, finished, strict=True)]
        self._resumed = [sum(j.plan.chunks[n][1] for n in done) for j, done in zip(jobs, finished, strict=True)]

    @property
    def resumed(self) -> int:
        """Frames, over all outputs, that an earlier run had painted."""
        return sum(self._resumed)

    def tasks(self) -> list[ChunkTask]:
        """A task for each chunk that is missing."""
        found = []
        for jobs, numbers in missing_runs(self.jobs, self._missing):
            for number in numbers:
                frames = len(jobs) * jobs[0].plan.chunks[number][1]
                folders = tuple(str(job.folder) for job in jobs)
                found.append(ChunkTask(self, folders, number, frames, frames * self._pixels / 1e6))
        return found

    def finish(self) -> list[RunReport]:
        """Assembles every output and removes its job's folder.

        Raises:
            OutputError: if one cannot be assembled; its chunks are kept.
        """
        try:
            return assemble(self.jobs, self._writers, self._began, self._resumed, [()] * len(self.jobs))
        except VideostyleError as error:
            raise self.explained(error) from error

    def explained(self, error: VideostyleError) -> VideostyleError:
        """The error, with what is kept of this clip and how to resume, where that helps."""
        return with_what_is_kept(error, self.jobs)

    def close(self) -> None:
        """Releases the outputs; finished chunks stay in the folders of the jobs."""
        for writer in self._writers:
            writer.abort()
