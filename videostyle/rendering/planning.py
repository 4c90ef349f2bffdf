"""Plans the outputs of an input: plans of interrupted renders are reused, the others are made in one pass."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videostyle.errors import OutputError
from videostyle.frames import VideoInfo
from videostyle.media.atomic import disk_error, disk_free
from videostyle.media.readers.base import FrameReader
from videostyle.media.readers.open import open_reader
from videostyle.media.writers.images import ImageWriter
from videostyle.motion.sampling import FramesToMeasure
from videostyle.network.statistics import Measurement
from videostyle.rendering.canvas import CanvasFollower
from videostyle.rendering.chain import Preparation, is_chunkable
from videostyle.rendering.chunk_store import finished_chunks, remove_abandoned
from videostyle.rendering.job_store import Job, differences, fingerprint, load_job, remove_job, save_job
from videostyle.rendering.layer_painters import painters_of
from videostyle.rendering.layers import PlannedLayer, layer_styles
from videostyle.rendering.made_with import differences as differing_settings
from videostyle.rendering.made_with import made_with
from videostyle.rendering.outputs import Output
from videostyle.rendering.plan import BYTES_A_PIXEL, Plan, chunk_borders
from videostyle.rendering.processor_cache import machine_of
from videostyle.rendering.progress import ProgressFunction
from videostyle.rendering.settings import RenderSettings
from videostyle.rendering.shots import find_shots, measure_section, segments_of
from videostyle.rendering.timeline_plan import TimelineMeasurement, has_timeline
from videostyle.resources import usable_cores

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor

ENCODER_THREADS = 16  # more threads take memory and make no encoder faster

log = logging.getLogger("videostyle")


@dataclass(frozen=True)
class Planned:
    """The result of planning.

    Attributes:
        jobs: one for each output, in order; () for a still.
        in_chunks: whether all outputs are painted in chunks, with their plans on disk; otherwise all in one pass.
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
        outputs: outputs of one input that read it alike.
        source: a reader of the input with their options.
        on_progress: called with the number of frames read.
        restart: delete what interrupted renders of the same outputs left.
        always: paint in chunks even if there is only one.

    Raises:
        OutputError: if a partial render with other settings exists, or a plan cannot be written.
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
    plans = _plans_of([outputs[n] for n in fresh], source, on_progress) if fresh else []
    jobs = list(kept)
    for number, plan in zip(fresh, plans, strict=True):
        jobs[number] = replace(wanted[number], plan=plan)
        writer = outputs[number].writer
        if isinstance(writer, ImageWriter) and writer.in_parts:
            writer.vet(len(plan.times))
            always = True  # only the records of chunks say which pictures are complete
    several = len(fresh) < len(outputs) or any(len(plan.chunks) > 1 for plan in plans)
    found = tuple(job for job in jobs if job is not None)
    if in_chunks and (always or several):
        for number in fresh:
            _save_new(found[number], source.info)
        return Planned(found, True)
    return Planned(found, False)


def _plans_of(
    outputs: Sequence[Output], source: FrameReader, on_progress: ProgressFunction | None = None
) -> list[Plan]:
    settings = [output.settings for output in outputs]
    return make_plans([output.style_processor for output in outputs], source, settings, on_progress)


def make_plans(
    style_processors: Sequence[StyleProcessor],
    source: FrameReader,
    settings: Sequence[RenderSettings],
    on_progress: ProgressFunction | None = None,
) -> list[Plan]:
    """Makes plans for several styles in one pass over the input.

    Args:
        style_processors: measure the shots, each for its style.
        source: a reader of the input; another one with the same options is opened.
        settings: of the render in each of these styles.
        on_progress: called with the number of frames read.

    Returns:
        A plan for each style; they differ in their statistics, and in their chunks where a chain cannot be divided.
    """
    info = source.info
    on_frames = (lambda count: on_progress("plan", count, info.frame_count)) if on_progress else None
    prepared = [Preparation(one, info) for one in settings]
    measurements: list[_Measure] = [
        TimelineMeasurement(one, source.input, processor) if has_timeline(one) else _Shots(processor)
        for one, processor in zip(settings, style_processors, strict=True)
    ]
    layers = [
        painters_of(processor, one, layer_styles(one))
        for processor, one in zip(style_processors, settings, strict=True)
    ]
    on_canvas = any(one.on_canvas for one in (*measurements, *(painter for found in layers for painter in found)))
    follower = CanvasFollower(info.width / info.height) if on_canvas else None

    def measured(frames: FramesToMeasure) -> list[Any]:
        seen = [prepare(frames) for prepare in prepared]
        found: list[Any] = [measure(one) for measure, one in zip(measurements, seen, strict=True)]
        # Those of layers follow those of outputs.
        for one, painters in zip(seen, layers, strict=True):
            found += [measure_section(one, painter.statistics_of) for painter in painters]
        return found

    try:
        with open_reader(source.input, source.options) as reader:
            shots, times = find_shots(reader, measured, on_frames, follower)
            warnings = tuple(reader.warnings)
        meshes = follower.track() if follower else None
    finally:
        if follower:
            follower.close()
        for prepare in prepared:
            prepare.close()
    borders = chunk_borders(len(times), [shot.first for shot in shots])
    plans, place = [], len(settings)
    for number, (one, measurement) in enumerate(zip(settings, measurements, strict=True)):
        chunks = borders if is_chunkable(one) else ((0, len(times)),)
        timed = measurement.finished(shots, times, number) if isinstance(measurement, TimelineMeasurement) else None
        segments = () if timed is not None else segments_of(shots, number)
        over = tuple(
            PlannedLayer(painter.style, segments_of(shots, at)) for at, painter in enumerate(layers[number], place)
        )
        place += len(over)
        plans.append(Plan(segments, chunks, tuple(times), warnings, meshes, timed, over))
    return plans


class _Shots:
    """Measures sections of a clip for one style."""

    def __init__(self, style_processor: StyleProcessor) -> None:
        self._processor = style_processor

    @property
    def on_canvas(self) -> bool:
        return self._processor.on_canvas

    def __call__(self, frames: FramesToMeasure) -> list[Measurement]:
        return measure_section(frames, self._processor.statistics_of)


_Measure = TimelineMeasurement | _Shots


def _new_job(output: Output, source: FrameReader) -> Job:
    """The job of an output, still with an empty plan."""
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

    If its device, precision or batch size differ, it is saved again with those of ``job``.

    Args:
        job: the job without a plan.
        threads: threads of the encoder, if the user gave a number.
        restart: delete the interrupted render.

    Raises:
        OutputError: if the interrupted render has other settings.
    """
    if restart and not job.pictures:  # without its folder, an incomplete sequence would look complete
        remove_job(job.folder)
    found = load_job(job.folder)
    if found is None or restart:
        return None
    changed = differences(found.fingerprint, job.fingerprint)
    if changed:
        done = len(finished_chunks(found))
        raise OutputError(
            f"a partial render of '{job.output}' exists, made with {_in_words(found, job, changed)}",
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


def _in_words(found: Job, wanted: Job, changed: Sequence[str]) -> str:
    """What differs between two jobs of one output, with both values."""
    differing = differing_settings(made_with(found.settings, found.style), made_with(wanted.settings, wanted.style))
    return (
        ", ".join([*(["another input, or the input has changed"] if "input" in changed else []), *differing])
        or "others"
    )


def _save(job: Job) -> None:
    try:
        save_job(job)
    except OSError as error:
        raise disk_error(job.output, error) from error


def _save_new(job: Job, info: VideoInfo) -> None:
    """Writes the plan of a new job to disk, and warns if there is too little space for the render."""
    # At the end, the chunks and the file assembled from them exist at the same time.
    needed = 2 * BYTES_A_PIXEL * len(job.plan.times) * info.width * info.height
    free = disk_free(job.folder.parent)
    if needed > free:
        amounts = needed / 1e9, free / 1e9
        log.warning("rendering '%s' needs about %.3g GB, and %.3g GB are free", job.output, *amounts)
    remove_job(job.folder)
    try:
        _save(job)
    except OutputError:
        remove_job(job.folder)  # without a plan there is nothing to resume
        raise
