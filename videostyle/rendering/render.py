"""Renders one input into one or several finished files: used by the command line and by the Python interface."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from videostyle.errors import UsageError
from videostyle.media.readers.base import Input
from videostyle.media.readers.open import open_reader
from videostyle.media.writers.open import output_path
from videostyle.rendering.chunked_clip import ChunkedClip
from videostyle.rendering.clip import Clip
from videostyle.rendering.outputs import OutputRequest
from videostyle.rendering.pipeline import RunReport, Trace
from videostyle.rendering.plan import most_chunks
from videostyle.rendering.progress import ProgressFunction, cancellable
from videostyle.rendering.scheduler import Scheduler
from videostyle.rendering.settings import Engine, RenderSettings


def render(
    path: str | Path,
    output: str | Path | None,
    settings: RenderSettings,
    *,
    progress: ProgressFunction | None = None,
    cancel: threading.Event | None = None,
    trace: Trace | None = None,
    engine: Engine | None = None,
    restart: bool = False,
    plan_only: bool = False,
) -> RunReport:
    """Renders one input into one output: ``render_all`` with one.

    Args:
        path: as there.
        output: what to write; None = beside the input.
        settings: how.
        progress: as there.
        cancel: as there.
        trace: as there.
        engine: as there.
        restart: as there.
        plan_only: stop when the chunks are planned; the report names their folder.

    Raises:
        VideostyleError: whatever went wrong; nothing but finished chunks is left behind then.
    """
    request = OutputRequest(output_path(output) if output is not None else None, settings)
    if plan_only:
        return _plan_only(path, request, cancellable(progress, cancel), restart)
    return render_all(path, [request], progress=progress, cancel=cancel, trace=trace, engine=engine, restart=restart)[0]


def _plan_only(path: str | Path, request: OutputRequest, progress: ProgressFunction | None, restart: bool) -> RunReport:
    clip = Clip(path, [request], progress=progress, restart=restart, always=True)
    clip.close()
    output = clip.outputs[0]
    if not clip.chunked or output.job is None:
        raise UsageError(f"'{output.target.name}' is not painted in chunks", hint="only videos in other formats are")
    plan = output.job.plan
    return RunReport(output.job.folder, len(plan.times), 0.0, 0.0, plan.warnings)


def render_all(
    path: str | Path,
    requests: Sequence[OutputRequest],
    *,
    progress: ProgressFunction | None = None,
    cancel: threading.Event | None = None,
    trace: Trace | None = None,
    engine: Engine | None = None,
    restart: bool = False,
) -> list[RunReport]:
    """Renders one input into one or several outputs that read it alike; it is decoded once for all of them.

    Videos of more than one chunk are painted chunk by chunk; a render that was broken off goes on where it
    stood, and gives the frames that it would have given.

    Args:
        path: a video, a still, a folder of pictures or a printf-style pattern.
        requests: the outputs.
        progress: called with how far it is.
        cancel: set it to stop.
        trace: called for each piece of work of each stage, where this process paints.
        engine: who paints the chunks; None = this process.
        restart: throw away what a broken-off render of the same output left, instead of going on with it, which
            fails where that was another render.

    Returns:
        A report for each output, in order.

    Raises:
        VideostyleError: whatever went wrong; nothing but finished chunks is left behind then.
    """
    engine = engine or Engine()
    if not engine.alone:
        return _with_workers(path, requests, engine, progress, cancel, restart)
    clip = Clip(path, requests, progress=progress, cancel=cancel, restart=restart)
    try:
        if not clip.chunked:
            return clip.paint_in_one_pass(progress, cancel, trace)
        chunks = clip.in_chunks()
        on_progress = (lambda count: progress("paint", count, chunks.frames)) if progress else None
        if on_progress is not None and chunks.resumed:
            on_progress(chunks.resumed)
        chunks.paint_here(on_progress, cancel, trace)
        return chunks.finish()
    finally:
        clip.close()


def opener(
    path: str | Path | Input,
    requests: Sequence[OutputRequest],
    *,
    progress: ProgressFunction | None = None,
    cancel: threading.Event | None = None,
    restart: bool = False,
) -> Callable[[], ChunkedClip | list[RunReport]]:
    """What a ``Scheduler`` needs of a clip: plans it; paints it at once where that cannot be done in chunks."""

    def opened() -> ChunkedClip | list[RunReport]:
        clip = Clip(path, requests, progress=progress, cancel=cancel, restart=restart, always=True)
        try:
            if not clip.chunked:
                return clip.paint_in_one_pass(cancel=cancel)
            chunks = clip.in_chunks()
        except BaseException:
            clip.close()
            raise
        clip.source.close()
        return chunks

    return opened


def _with_workers(
    path: str | Path,
    requests: Sequence[OutputRequest],
    engine: Engine,
    progress: ProgressFunction | None,
    cancel: threading.Event | None,
    restart: bool,
) -> list[RunReport]:
    with open_reader(path, requests[0].settings.reading(1)) as source:
        frames, known = source.info.frame_count, source.input
    total = frames * len(requests) if frames else None
    on_progress = (lambda count: progress("paint", count, total)) if progress else None
    scheduler: Scheduler[int] = Scheduler(engine, most_chunks(frames), on_progress=on_progress, cancel=cancel)
    scheduler.add(0, opener(known, requests, progress=progress, cancel=cancel, restart=restart))
    for _, result in scheduler.results():
        if not isinstance(result, list):
            raise result
        return result
    raise RuntimeError("a scheduler ended without a result")
