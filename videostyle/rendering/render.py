"""Renders one input into one or several finished files: used by the command line and by the Python interface.

The package's docstring (``videostyle.rendering``) lists the modules that an input passes through.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from videostyle.errors import UsageError, VideostyleError, raise_all
from videostyle.media.readers.base import FrameReader, Input
from videostyle.media.readers.open import look_at, open_reader
from videostyle.rendering.assembly import assemble, with_what_is_kept
from videostyle.rendering.chunk_store import finished_chunks
from videostyle.rendering.chunked_clip import ChunkedClip
from videostyle.rendering.chunks import paint_missing
from videostyle.rendering.outputs import Output, OutputRequest, open_outputs
from videostyle.rendering.painting import planned_chain
from videostyle.rendering.pipeline import Branch, RunReport, Trace, run_all
from videostyle.rendering.plan import Plan, most_chunks
from videostyle.rendering.planning import Planned, plan_outputs
from videostyle.rendering.preflight import mistakes_of, tell_of_late_changes
from videostyle.rendering.processor_cache import painting_options
from videostyle.rendering.progress import FramesFunction, ProgressFunction, cancellable
from videostyle.rendering.scheduler import Scheduler
from videostyle.rendering.settings import Engine, RenderSettings


def render(
    path: str | Path,
    output: str | Path | None,
    settings: RenderSettings,
    *,
    on_progress: ProgressFunction | None = None,
    cancel: threading.Event | None = None,
    trace: Trace | None = None,
    engine: Engine | None = None,
    restart: bool = False,
    plan_only: bool = False,
) -> RunReport:
    """Renders one input into one output, as ``render_all`` does with one request.

    Args:
        path: as in ``render_all``; so are all arguments that are not described here.
        output: the file to write; None = beside the input.
        settings: how to render it.
        on_progress: called with the progress.
        cancel: set it to stop.
        trace: called for each piece of work.
        engine: who paints the chunks.
        restart: delete what an interrupted render left.
        plan_only: stop when the chunks are planned; the report then names their folder.

    Raises:
        VideostyleError: if anything fails; nothing but finished chunks is left behind then.
    """
    request = OutputRequest(output, settings)
    if plan_only:
        return _plan_only(look_at(path), request, cancellable(on_progress, cancel), restart)
    return render_all(
        path, [request], on_progress=on_progress, cancel=cancel, trace=trace, engine=engine, restart=restart
    )[0]


def render_all(
    path: str | Path,
    requests: Sequence[OutputRequest],
    *,
    on_progress: ProgressFunction | None = None,
    cancel: threading.Event | None = None,
    trace: Trace | None = None,
    engine: Engine | None = None,
    restart: bool = False,
) -> list[RunReport]:
    """Renders one input into one or several outputs that read it alike; it is decoded once for all of them.

    Videos of more than one chunk are painted chunk by chunk. An interrupted render is resumed, and its frames are the
    same as without the interruption.

    Args:
        path: a video, a still, a folder of pictures or a printf-style pattern.
        requests: the outputs.
        on_progress: called with the progress of training, planning and painting.
        cancel: set it to stop.
        trace: called for each piece of work of each stage, if this process paints.
        engine: who paints the chunks; None = this process.
        restart: delete what an interrupted render of the same output left instead of resuming it. (A partial render
            with other settings cannot be resumed.)

    Returns:
        A report for each output, in order.

    Raises:
        VideostyleError: if anything fails; nothing but finished chunks is left behind then.
    """
    source, engine = look_at(path), engine or Engine()
    if not engine.alone:
        return _with_workers(source, requests, engine, on_progress, cancel, restart)
    clip = _open_clip(source, requests, cancellable(on_progress, cancel), restart=restart)
    try:
        if not clip.planned.in_chunks:
            return _paint_in_one_pass(clip, on_progress, cancel, trace)
        return _paint_in_chunks(clip, on_progress, cancel, trace)
    finally:
        clip.close()


@dataclass(frozen=True)
class _Clip:
    """An input with its outputs, opened and planned."""

    reader: FrameReader
    outputs: list[Output]
    planned: Planned

    def close(self) -> None:
        """Releases the outputs; nothing but finished chunks is left behind."""
        for output in self.outputs:
            output.writer.abort()


def _open_clip(
    source: Input,
    requests: Sequence[OutputRequest],
    on_progress: ProgressFunction,
    *,
    restart: bool = False,
    always: bool = False,
) -> _Clip:
    """Opens the outputs of an input and plans them; with ``always`` in chunks, even if there is only one."""
    reader = open_reader(source, requests[0].settings.reading(1))
    raise_all(mistakes_of(requests, reader))
    tell_of_late_changes(requests, reader)
    outputs = open_outputs(requests, reader, on_progress)
    try:
        return _Clip(reader, outputs, plan_outputs(outputs, reader, on_progress, restart=restart, always=always))
    except BaseException:
        for output in outputs:
            output.writer.abort()
        raise


def _painted(on_progress: ProgressFunction | None, total: int | None) -> FramesFunction | None:
    return (lambda count: on_progress("paint", count, total)) if on_progress else None


def _paint_in_one_pass(
    clip: _Clip,
    on_progress: ProgressFunction | None = None,
    cancel: threading.Event | None = None,
    trace: Trace | None = None,
) -> list[RunReport]:
    """Paints and finishes outputs without chunks."""
    info, outputs = clip.reader.info, clip.outputs
    # A still has no plan.
    plans: list[Plan | None] = [job.plan for job in clip.planned.jobs] or [None for _ in outputs]
    batch = max(output.style_processor.frames_per_batch(info) for output in outputs)
    options = replace(clip.reader.options, batch_size=batch)
    alpha = any(output.writer.holds_alpha for output in outputs)
    reader = open_reader(clip.reader.input, painting_options(options, alpha))
    total = info.frame_count * len(outputs) if info.frame_count else None
    branches = [
        Branch(planned_chain(output.style_processor, output.settings, plan), output.writer)
        for output, plan in zip(outputs, plans, strict=True)
    ]
    reports = run_all(reader, branches, on_progress=_painted(on_progress, total), cancel=cancel, trace=trace)
    return [
        replace(report, warnings=(*report.warnings, *output.style_processor.warnings))
        for report, output in zip(reports, outputs, strict=True)
    ]


def _paint_in_chunks(
    clip: _Clip, on_progress: ProgressFunction | None, cancel: threading.Event | None, trace: Trace | None
) -> list[RunReport]:
    """Paints the missing chunks of outputs, and assembles them."""
    began, jobs = time.monotonic(), clip.planned.jobs
    try:
        total = sum(len(job.plan.times) for job in jobs)
        on_frames = _painted(on_progress, total)
        kept = sum(job.plan.chunks[number][1] for job in jobs for number in finished_chunks(job))
        if on_progress is not None and kept:
            on_progress("resume", kept, total)
        passes = paint_missing(jobs, clip.reader.input, on_progress=on_frames, cancel=cancel, trace=trace)
        resumed = [len(job.plan.times) - sum(r.frames for r in done) for job, done in zip(jobs, passes, strict=True)]
        return assemble(jobs, [output.writer for output in clip.outputs], began, resumed, passes)
    except VideostyleError as error:
        raise with_what_is_kept(error, jobs) from error


def _plan_only(source: Input, request: OutputRequest, on_progress: ProgressFunction, restart: bool) -> RunReport:
    clip = _open_clip(source, [request], on_progress, restart=restart, always=True)
    clip.close()
    if not clip.planned.in_chunks:
        name = clip.outputs[0].target.name
        raise UsageError(f"'{name}' is not painted in chunks", hint="choose a video in another format")
    (job,) = clip.planned.jobs
    return RunReport(job.folder, len(job.plan.times), 0.0, 0.0, job.plan.warnings)


def open_for_workers(
    source: Input,
    requests: Sequence[OutputRequest],
    *,
    on_progress: ProgressFunction | None = None,
    cancel: threading.Event | None = None,
    restart: bool = False,
) -> ChunkedClip | list[RunReport]:
    """Opens and plans a clip for a ``Scheduler``; paints it at once if it cannot be painted in chunks."""
    clip = _open_clip(source, requests, cancellable(on_progress, cancel), restart=restart, always=True)
    try:
        if not clip.planned.in_chunks:
            return _paint_in_one_pass(clip, cancel=cancel)
        pixels = clip.reader.info.width * clip.reader.info.height
        return ChunkedClip(clip.planned.jobs, [output.writer for output in clip.outputs], pixels)
    except BaseException:
        clip.close()
        raise


def _with_workers(
    source: Input,
    requests: Sequence[OutputRequest],
    engine: Engine,
    on_progress: ProgressFunction | None,
    cancel: threading.Event | None,
    restart: bool,
) -> list[RunReport]:
    frames = open_reader(source, requests[0].settings.reading(1)).info.frame_count
    total = frames * len(requests) if frames else None
    scheduler: Scheduler[int] = Scheduler(
        engine, most_chunks(frames), on_progress=_painted(on_progress, total), cancel=cancel
    )

    def opened() -> ChunkedClip | list[RunReport]:
        clip = open_for_workers(source, requests, on_progress=on_progress, cancel=cancel, restart=restart)
        if on_progress is not None and isinstance(clip, ChunkedClip) and clip.resumed:
            on_progress("resume", clip.resumed, total)
        return clip

    scheduler.add(0, opened)
    for _, result in scheduler.results():
        if not isinstance(result, list):
            raise result
        return result
    raise RuntimeError("a scheduler ended without a result")
