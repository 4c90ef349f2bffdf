"""One render, from names to a finished file: used by the command line and by the Python interface."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle import __version__
from videostyle.errors import OutputError, UsageError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.io.files import disk_error, disk_free
from videostyle.io.sink import Original, PictureSink, VideoSink, open_sink
from videostyle.io.source import FrameSource, open_source
from videostyle.io.timecode import TimePoint
from videostyle.pipeline import RunReport, Trace, run
from videostyle.pipeline import chain as open_chain
from videostyle.processors.base import Processor
from videostyle.provenance import Painted, embed
from videostyle.render.executors import paint_job
from videostyle.render.job import (
    Job,
    differences,
    fingerprint,
    load_job,
    remove_job,
    remove_parts,
    save_job,
    work_folder,
)
from videostyle.render.plan import BYTES_A_PIXEL, Plan, chunk_borders, plan_shots
from videostyle.render.settings import Engine, RenderSettings
from videostyle.render.style import resolve

if TYPE_CHECKING:
    from videostyle.models.weights import Style
    from videostyle.processors.stylize import Stylize

log = logging.getLogger("videostyle")

# phase ("plan", "paint" or "train"), steps done now, steps in all or None
ProgressFunction = Callable[[str, int, int | None], None]


def style_label(spec: str) -> str:
    """A STYLE argument as it appears in file names."""
    stem = Path(spec).stem if "/" in spec or "." in spec else spec
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in stem.replace(":", "").replace(",", "+"))


def default_output(source: Path, style: str, info: VideoInfo) -> Path:
    """``CLIP_stylized_STYLE.mp4`` beside the input; a picture's suffix for a still, a folder for pictures."""
    name = f"{source.stem.split('%')[0].rstrip('_-') or 'frames'}_stylized_{style_label(style)}"
    if info.still:
        return source.with_name(
            name + (source.suffix if source.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp") else ".png")
        )
    return source.with_name(f"{name}.mp4")


def make_stylize(style: Style, settings: RenderSettings, *, output: str = "rgb24") -> Stylize:
    """The style processor with what the user asked for, or else what was measured to be best on the device."""
    # TensorFlow is slow to import: nothing before this needs it.
    from videostyle.processors.stylize import Stylize, choose_device
    from videostyle.render import tuning

    tuned = tuning.load(choose_device(settings.device))
    return Stylize(
        style,
        precision=tuned.precision if tuned and settings.precision == "auto" else settings.precision,
        batch_size=settings.batch_size,
        device=settings.device,
        output="rgb24" if settings.preserve_color else output,
        batch_pixels=tuned.batch_pixels if tuned else None,
    )


def processors_of(stylize: Stylize, settings: RenderSettings) -> list[Processor]:
    """The chain of a render."""
    from videostyle.processors.preserve_color import PreserveColor

    return [PreserveColor(stylize) if settings.preserve_color else stylize]


def make_plan(source: FrameSource, stylize: Stylize, progress: ProgressFunction | None = None) -> Plan:
    """Reads the clip once: its shots, their statistics, every frame's time, and where chunks begin."""
    told = (lambda count: progress("plan", count, source.info.frame_count)) if progress else None
    times: list[float] = []
    with open_source(source.path, source.options) as scan:
        shots = plan_shots(scan, stylize.statistics_of, told, times)
        warnings = tuple(scan.warnings)
    starts = [shot.first for shot in shots]
    chunks = chunk_borders(len(times), starts)
    return Plan(tuple((shot.first, shot.statistics) for shot in shots), chunks, tuple(times), warnings)


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
    """Renders one input.

    Videos of more than one chunk are painted chunk by chunk; a render that was broken off goes on where it
    stood, and gives the frames that it would have given.

    Args:
        path: a video, a still, a folder of pictures or a printf-style pattern.
        output: what to write; None = beside the input.
        settings: how.
        progress: told how far it is.
        cancel: set it to stop.
        trace: told of each piece of work of each stage.
        engine: who paints the chunks; None = this process.
        restart: throw away what a broken-off render of the same output left, instead of going on with it, which
            fails where that was another render.
        plan_only: stop when the chunks are planned; the report names their folder.

    Raises:
        VideostyleError: whatever went wrong; nothing but finished chunks is left behind then.
    """
    if not 0.0 <= settings.strength <= 1.0:
        raise UsageError(
            f"strength {settings.strength} is outside 0..1", hint="0 leaves the clip as it is, 1 paints fully"
        )
    source = open_source(path, settings.reading(1))
    sink: VideoSink | PictureSink | None = None
    try:
        target = Path(output) if output is not None else default_output(source.path, settings.style, source.info)
        if target.is_dir() and (source.info.still or settings.encode.codec != "png"):
            target = target / default_output(source.path, settings.style, source.info).name
        is_file = source.path.is_file() and not source.info.still
        # The output is opened, and locked, before the network is loaded: a wrong name should not cost seconds.
        tags: dict[str, str] = {}
        marks: list[bytes] = []
        sink = open_sink(
            target,
            source.info,
            settings.encode,
            original=Original(source.path, *_cut(source, settings)) if is_file else None,
            inputs=tuple(source.files),
            metadata=tags,
            finish=lambda file: [embed(file, mark) for mark in marks],
        )
        style = resolve(settings.style, settings.strength, source, progress)
        card = style.card
        painted = Painted(card.name or settings.style, card.painting, card.artist, settings.strength, __version__)
        tags.update(painted.tags())
        marks.append(painted.xmp())
        stylize = make_stylize(style, settings, output="rgb24" if source.info.still else "i420")
        source.options = replace(source.options, batch_size=stylize.batch_for_frames(source.info))
        if isinstance(sink, VideoSink) and sink.in_parts:
            job, saved = _job_for(source, target, settings, stylize, progress, restart, plan_only)
            if plan_only:
                sink.abort()
                return RunReport(job.folder, len(job.plan.times), 0.0, 0.0, job.plan.warnings)
            if saved:
                return paint_job(job, sink, engine or Engine(), progress=progress, cancel=cancel, trace=trace)
            stylize.use_shots(job.plan.shots)
        elif plan_only:
            raise UsageError(f"'{target.name}' is not painted in chunks", hint="only videos in other formats are")
        elif not source.info.still:
            stylize.use_shots(make_plan(source, stylize, progress).shots)
        told = (lambda count: progress("paint", count, source.info.frame_count)) if progress else None
        chain = processors_of(stylize, settings)
        report = run(source, chain, sink, progress=told, cancel=cancel, trace=trace)
        return replace(report, warnings=(*report.warnings, *stylize.warnings))
    except BaseException:
        if sink is not None:
            sink.abort()
        raise
    finally:
        source.close()


def _job_for(
    source: FrameSource,
    target: Path,
    settings: RenderSettings,
    stylize: Stylize,
    progress: ProgressFunction | None,
    restart: bool,
    always: bool,
) -> tuple[Job, bool]:
    """The job of a broken-off render that may go on, or a new one; and whether it is on the disk.

    A new one is saved if it has several chunks, or ``always``.

    Raises:
        OutputError: if what is kept belongs to another render.
    """
    from videostyle.io import ffmpeg
    from videostyle.io.opencv import load_cv2
    from videostyle.processors.machine import device_key

    folder = work_folder(target)
    encode = replace(settings.encode, threads=settings.encode.threads or os.cpu_count() or 1)
    chosen = replace(
        settings,
        batch_size=stylize.frames_of_call(source.info),
        precision=stylize.precision,
        encode=encode,
    )
    versions = {
        "videostyle": __version__,
        "device": device_key(stylize.device),
        "OpenCV": load_cv2().__version__,
        "ffmpeg": ffmpeg.version().split(" Copyright")[0],
    }
    wanted = fingerprint(source.path, chosen, stylize.style, versions)
    if restart:
        remove_job(folder)
    found = load_job(folder)
    if found is not None:
        changed = differences(found.fingerprint, wanted)
        if changed:
            raise OutputError(
                f"the unfinished render kept for '{target}' is another one",
                f"it differs in: {', '.join(changed)}",
                "use --restart to begin anew, or another name with -o",
            )
        remove_parts(folder)
        return found, True
    plan = make_plan(source, stylize, progress)
    # Chunks and the file made of them are there at the same time for a moment.
    needed = 2 * BYTES_A_PIXEL * len(plan.times) * source.info.width * source.info.height
    free = disk_free(folder.parent)
    if needed > free:
        log.warning("about %.1f GB are needed beside '%s', %.1f GB are free", needed / 1e9, target, free / 1e9)
    job = Job(source.path.resolve(), Path(os.path.abspath(target)), chosen, wanted, plan, stylize.style)
    saved = len(plan.chunks) > 1 or always
    if saved:
        try:
            remove_job(folder)
            save_job(job)
        except OSError as error:
            raise disk_error(target, error) from error
    return job, saved


def _cut(source: FrameSource, settings: RenderSettings) -> tuple[float | None, float | None]:
    """Times on the source's clock between which sound is kept; None where nothing is cut."""

    def seconds(point: TimePoint | None) -> float | None:
        if point is None:
            return None
        rate = source.info.fps if settings.frame_rate is None else None
        if point.frame is not None:
            from videostyle.io.probe import packet_times, probe

            media = probe(source.path)
            times = packet_times(source.path, media.video_index or 0)
            return float(times[min(point.frame, len(times) - 1)]) if times else float(point.frame / (rate or 25))
        return source.info.start + (point.seconds or 0.0)

    return seconds(settings.start), seconds(settings.end)


def iterate(path: str | Path, settings: RenderSettings) -> Iterator[FrameBatch]:
    """Painted batches (rgb24) of an input, for use in other programs; nothing is written."""
    source = open_source(path, settings.reading(1))
    processors: list[Processor] = []
    try:
        stylize = make_stylize(resolve(settings.style, settings.strength, source, None), settings)
        source.options = replace(source.options, batch_size=stylize.batch_for_frames(source.info))
        if not source.info.still:
            stylize.use_shots(make_plan(source, stylize).shots)
        processors = processors_of(stylize, settings)
        open_chain(source.info, processors)
        for batch in source:
            for processor in processors:
                batch = processor(batch)
            yield batch
    finally:
        source.close()
        for processor in processors:
            processor.close()
