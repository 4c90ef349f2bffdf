"""An input that is opened and planned once for all of its outputs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from videostyle.media.readers.base import Input
from videostyle.media.readers.open import open_reader
from videostyle.media.writers.images import ImageWriter
from videostyle.rendering.chunked_clip import ChunkedClip
from videostyle.rendering.job_store import Job
from videostyle.rendering.outputs import Output, OutputRequest, open_output
from videostyle.rendering.pipeline import Branch, RunReport, Trace, run_all
from videostyle.rendering.plan import make_plans
from videostyle.rendering.processor_cache import processors_of
from videostyle.rendering.progress import ProgressFunction, cancellable
from videostyle.rendering.resume import new_job, reusable, save_new


class Clip:
    """An input, opened and planned once for all of its outputs.

    Args:
        path: a video, a still, a folder of pictures or a printf-style pattern; or an input that is known already.
        requests: its outputs, which must read it alike.
        progress: called with how far training and planning are.
        cancel: set it to stop them.
        restart: throw away what broken-off renders of the same outputs left.
        always: plan for chunks even where there is one only.

    Attributes:
        source: the input.
        outputs: in the order of ``requests``.
        chunked: whether all are painted in chunks, their plans on the disk; else all in one pass.

    Raises:
        VideostyleError: whatever went wrong; nothing is left behind then.
    """

    def __init__(
        self,
        path: str | Path | Input,
        requests: Sequence[OutputRequest],
        *,
        progress: ProgressFunction | None = None,
        cancel: threading.Event | None = None,
        restart: bool = False,
        always: bool = False,
    ) -> None:
        on_progress = cancellable(progress, cancel)
        self.outputs: list[Output] = []
        self.chunked = False
        self.source = open_reader(path, requests[0].settings.reading(1))
        try:
            for request in requests:
                self.outputs.append(open_output(request, self.source, on_progress))
            batch = max(output.stylize.batch_for_frames(self.source.info) for output in self.outputs)
            self.source = open_reader(self.source.input, replace(self.source.options, batch_size=batch))
            if not self.source.info.still:
                self._plan(on_progress, restart, always)
        except BaseException:
            self.close()
            raise

    def _plan(self, progress: ProgressFunction, restart: bool, always: bool) -> None:
        """Finds the plans that are kept, makes the others in one pass over the clip, saves what needs saving."""
        in_parts = all(output.sink.in_parts for output in self.outputs)
        fresh: list[tuple[Output, Job]] = []
        for output in self.outputs:
            job = new_job(self.source, output)
            output.job = reusable(job, output.settings.threads, restart) if in_parts else None
            if output.job is None:
                fresh.append((output, job))
        plans = make_plans(self.source, [output.stylize for output, _ in fresh], progress) if fresh else []
        for (output, job), plan in zip(fresh, plans, strict=True):
            output.job = replace(job, plan=plan)
            if isinstance(output.sink, ImageWriter):
                output.sink.vet(len(plan.times))
                always = True  # there is no other trace of how far a sequence came
        kept = len(fresh) < len(self.outputs)
        self.chunked = in_parts and (always or kept or any(len(plan.chunks) > 1 for plan in plans))
        if self.chunked:
            for output, _ in fresh:
                if output.job is not None:
                    save_new(output.job, self.source.info)

    def in_chunks(self) -> ChunkedClip:
        """The outputs, for those who paint chunks."""
        jobs = [output.job for output in self.outputs if output.job is not None]
        sinks = [output.sink for output in self.outputs]
        return ChunkedClip(jobs, sinks, self.source.info.width * self.source.info.height)

    def paint_in_one_pass(
        self,
        progress: ProgressFunction | None = None,
        cancel: threading.Event | None = None,
        trace: Trace | None = None,
    ) -> list[RunReport]:
        """Paints and finishes the outputs without chunks."""
        for output in self.outputs:
            if output.job is not None:
                output.stylize.use_shots(output.job.plan.segments)
                output.stylize.use_meshes(output.job.plan.meshes)
        frames = self.source.info.frame_count
        total = frames * len(self.outputs) if frames else None
        on_progress = (lambda count: progress("paint", count, total)) if progress else None
        branches = [Branch(processors_of(output.stylize, output.settings), output.sink) for output in self.outputs]
        reports = run_all(self.source, branches, progress=on_progress, cancel=cancel, trace=trace)
        return [
            replace(report, warnings=(*report.warnings, *output.stylize.warnings))
            for report, output in zip(reports, self.outputs, strict=True)
        ]

    def close(self) -> None:
        """Lets source and outputs go; nothing but finished chunks is left behind."""
        self.source.close()
        for output in self.outputs:
            output.sink.abort()
