"""One render, from names to a finished file: used by the command line and by the Python interface."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle import __version__
from videostyle.errors import Interrupted, OutputError, UsageError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.media.atomic import disk_error, disk_free
from videostyle.media.ffmpeg.codecs import frames_for
from videostyle.media.provenance import Painted, embed
from videostyle.media.readers.base import FrameReader
from videostyle.media.readers.images import ImageReader, in_sequence
from videostyle.media.readers.open import open_reader
from videostyle.media.timecode import TimePoint
from videostyle.media.writers.images import PLACE, ImageWriter, numbered
from videostyle.media.writers.mux import Original
from videostyle.media.writers.open import open_writer
from videostyle.media.writers.video import VideoWriter
from videostyle.processors.protocol import Processor
from videostyle.rendering.executors import ChunkedClip, Farm
from videostyle.rendering.job_store import (
    Job,
    differences,
    fingerprint,
    load_job,
    remove_job,
    remove_parts,
    save_job,
)
from videostyle.rendering.pipeline import Branch, RunReport, Trace, run_all
from videostyle.rendering.pipeline import chain as open_chain
from videostyle.rendering.plan import BYTES_A_PIXEL, CHUNK_AT_CUT, Plan, chunk_borders, measured, plan_shots, spans_of
from videostyle.rendering.settings import Engine, RenderSettings
from videostyle.training.session import resolve

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor
    from videostyle.styles.style_file import Style

log = logging.getLogger("videostyle")

# phase ("plan", "paint" or "train"), steps done now, steps in all or None
ProgressFunction = Callable[[str, int, int | None], None]


def stopping(progress: ProgressFunction | None, cancel: threading.Event | None) -> ProgressFunction:
    """A progress function that ends the work it is told of, by ``Interrupted``, once ``cancel`` is set.

    Training and planning are stopped so, between two steps; painting looks at ``cancel`` itself.
    """

    def told(phase: str, done: int, total: int | None) -> None:
        if cancel is not None and cancel.is_set():
            raise Interrupted("stopped", hint="nothing was left behind")
        if progress is not None:
            progress(phase, done, total)

    return told


def style_label(spec: str) -> str:
    """A STYLE argument as it appears in file names."""
    stem = Path(spec).stem if "/" in spec or "." in spec else spec
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in stem.replace(":", "").replace(",", "+"))


def default_output(source: Path, style: str, info: VideoInfo, codec: str | None = None) -> Path:
    """``CLIP_stylized_STYLE.mp4`` beside the input; a picture's suffix for a still, none for a folder of pictures."""
    name = f"{PLACE.split(source.stem)[0].rstrip('_-') or 'frames'}_stylized_{style_label(style)}"
    if info.still:
        return source.with_name(
            name + (source.suffix if source.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp") else ".png")
        )
    return source.with_name(name if codec == "png" else f"{name}.mp4")


def painted_by(style: Style, settings: RenderSettings) -> Painted:
    """What a painted file says of itself."""
    card = style.card
    return Painted(card.name or settings.style, card.painting, card.artist, settings.strength, __version__)


def make_stylize(style: Style, settings: RenderSettings, *, output: str = "rgb24") -> StyleProcessor:
    """The style processor with what the user asked for, or else what was measured to be best on the device."""
    # TensorFlow is slow to import: nothing before this needs it.
    from videostyle.inference import tuning
    from videostyle.inference.device import choose_device
    from videostyle.processors.style import StyleProcessor

    tuned = tuning.load(choose_device(settings.device))
    return StyleProcessor(
        style,
        precision=tuned.precision if tuned and settings.precision == "auto" else settings.precision,
        batch_size=settings.batch_size,
        device=settings.device,
        output="rgb24" if settings.preserve_color else output,
        batch_pixels=tuned.batch_pixels if tuned else None,
    )


def processors_of(stylize: StyleProcessor, settings: RenderSettings) -> list[Processor]:
    """The chain of a render."""
    from videostyle.processors.preserve_color import PreserveColor

    return [PreserveColor(stylize) if settings.preserve_color else stylize]


def make_plans(
    source: FrameReader, stylizes: Sequence[StyleProcessor], progress: ProgressFunction | None = None
) -> list[Plan]:
    """Reads the clip once for all of ``stylizes``: its shots, their statistics, frames' times, where chunks begin.

    Returns:
        A plan for each; they differ in the statistics only.
    """
    told = (lambda count: progress("plan", count, source.info.frame_count)) if progress else None
    options = source.options
    if isinstance(source, ImageReader):
        options = replace(options, frame_rate=source.info.fps)  # which it no longer holds: no frame is dropped for it
    with open_reader(source.path, options) as scan:
        shots, times = plan_shots(scan, lambda part: [measured(part, s.statistics_of) for s in stylizes], told)
        warnings = tuple(scan.warnings)
    chunks = chunk_borders(len(times), [shot.first for shot in shots])
    return [Plan(spans_of(shots, n), chunks, tuple(times), warnings) for n in range(len(stylizes))]


@dataclass(frozen=True)
class Wanted:
    """One output of a clip.

    Attributes:
        output: the file to write, or a folder; None = beside the clip.
        settings: how.
        shared: whether a folder takes outputs of other clips as well, so that pictures need one in it.
    """

    output: Path | None
    settings: RenderSettings
    shared: bool = False


@dataclass
class Output:
    """One output of a clip, on its way.

    Attributes:
        settings: how.
        target: what to write.
        sink: opened, which locks the output.
        stylize: what paints it.
        job: its plan; None = a still, which needs none.
    """

    settings: RenderSettings
    target: Path
    sink: VideoWriter | ImageWriter
    stylize: StyleProcessor
    job: Job | None = None


class Clip:
    """An input, opened and planned once for all of its outputs.

    Args:
        path: a video, a still, a folder of pictures or a printf-style pattern.
        wanted: its outputs, which must read it alike.
        progress: told how far training and planning are.
        cancel: set it to stop them.
        restart: throw away what broken-off renders of the same outputs left.
        always: plan for chunks even where there is one only.

    Attributes:
        source: the input.
        outputs: in the order of ``wanted``.
        chunked: whether all are painted in chunks, their plans on the disk; else all in one pass.

    Raises:
        VideostyleError: whatever went wrong; nothing is left behind then.
    """

    def __init__(
        self,
        path: str | Path,
        wanted: Sequence[Wanted],
        *,
        progress: ProgressFunction | None = None,
        cancel: threading.Event | None = None,
        restart: bool = False,
        always: bool = False,
    ) -> None:
        told = stopping(progress, cancel)
        self.outputs: list[Output] = []
        self.chunked = False
        self.source = open_reader(path, wanted[0].settings.reading(1))
        try:
            for want in wanted:
                self._open(want, told)
            batch = max(output.stylize.batch_for_frames(self.source.info) for output in self.outputs)
            self.source.options = replace(self.source.options, batch_size=batch)
            if not self.source.info.still:
                self._plan(told, restart, always)
        except BaseException:
            self.close()
            raise

    def _open(self, want: Wanted, progress: ProgressFunction) -> None:
        source, settings = self.source, want.settings
        default = default_output(source.path, settings.style, source.info, settings.encode.codec)
        target = want.output or default
        # Unlike that of Path it may be asked for a name that is too long.
        if os.path.isdir(target) and (want.shared or source.info.still or settings.encode.codec != "png"):
            target = target / default.name
        is_file = source.path.is_file() and not source.info.still
        # The output is opened, and locked, before the network is loaded: a wrong name should not cost seconds.
        tags: dict[str, str] = {}
        marks: list[bytes] = []
        sink = open_writer(
            target,
            source.info,
            settings.encode,
            original=Original(source.path, *_cut(source, settings)) if is_file else None,
            inputs=tuple(source.files),
            metadata=tags,
            finish=lambda file: [embed(file, mark) for mark in marks],
        )
        try:
            if _among_inputs(source.path, target, sink):
                raise OutputError(
                    f"the output '{target}' lies among the pictures of the input",
                    "it would be painted as well",
                    "choose another folder with -o",
                )
            style = resolve(settings.style, settings.strength, source, progress)
            painted = painted_by(style, settings)
            tags.update(painted.tags())
            marks.append(painted.xmp())
            encode = settings.encode
            video = isinstance(sink, VideoWriter)
            frames = frames_for(encode.codec, target.suffix, encode.pixel_format) if video else "rgb24"
            stylize = make_stylize(style, settings, output=frames)
        except BaseException:
            sink.abort()
            raise
        self.outputs.append(Output(settings, target, sink, stylize))

    def _plan(self, progress: ProgressFunction, restart: bool, always: bool) -> None:
        """Finds the plans that are kept, makes the others in one pass over the clip, saves what needs saving."""
        in_parts = all(output.sink.in_parts for output in self.outputs)
        fresh: list[tuple[Output, Job]] = []
        for output in self.outputs:
            job = _unplanned(self.source, output)
            output.job = _kept(job, restart) if in_parts else None
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
                    _save(output.job, self.source.info)

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
                output.stylize.use_shots(output.job.plan.shots)
        frames = self.source.info.frame_count
        total = frames * len(self.outputs) if frames else None
        told = (lambda count: progress("paint", count, total)) if progress else None
        branches = [Branch(processors_of(output.stylize, output.settings), output.sink) for output in self.outputs]
        reports = run_all(self.source, branches, progress=told, cancel=cancel, trace=trace)
        return [
            replace(report, warnings=(*report.warnings, *output.stylize.warnings))
            for report, output in zip(reports, self.outputs, strict=True)
        ]

    def close(self) -> None:
        """Lets source and outputs go; nothing but finished chunks is left behind."""
        self.source.close()
        for output in self.outputs:
            output.sink.abort()


def _among_inputs(path: Path, target: Path, sink: VideoWriter | ImageWriter) -> bool:
    """Whether files of an output would be read as part of the input, by the next chunk or when it goes on."""
    if isinstance(sink, ImageWriter) and sink.in_parts:
        return any(in_sequence(path, numbered(sink.pattern, number)) for number in (0, 999_999))
    return in_sequence(path, target)


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
    shared: bool = False,
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
        shared: as in ``Wanted``.

    Raises:
        VideostyleError: whatever went wrong; nothing but finished chunks is left behind then.
    """
    wanted = Wanted(Path(output) if output is not None else None, settings, shared)
    if plan_only:
        return _plan_only(path, wanted, stopping(progress, cancel), restart)
    return render_all(path, [wanted], progress=progress, cancel=cancel, trace=trace, engine=engine, restart=restart)[0]


def _plan_only(path: str | Path, wanted: Wanted, progress: ProgressFunction | None, restart: bool) -> RunReport:
    clip = Clip(path, [wanted], progress=progress, restart=restart, always=True)
    clip.close()
    output = clip.outputs[0]
    if not clip.chunked or output.job is None:
        raise UsageError(f"'{output.target.name}' is not painted in chunks", hint="only videos in other formats are")
    plan = output.job.plan
    return RunReport(output.job.folder, len(plan.times), 0.0, 0.0, plan.warnings)


def render_all(
    path: str | Path,
    wanted: Sequence[Wanted],
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
        wanted: the outputs.
        progress: told how far it is.
        cancel: set it to stop.
        trace: told of each piece of work of each stage, where this process paints.
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
        return _with_crew(path, wanted, engine, progress, cancel, restart)
    clip = Clip(path, wanted, progress=progress, cancel=cancel, restart=restart)
    try:
        if not clip.chunked:
            return clip.paint_in_one_pass(progress, cancel, trace)
        chunks = clip.in_chunks()
        told = (lambda count: progress("paint", count, chunks.frames)) if progress else None
        if told is not None and chunks.resumed:
            told(chunks.resumed)
        chunks.paint_here(told, cancel, trace)
        return chunks.finish()
    finally:
        clip.close()


def opener(
    path: str | Path,
    wanted: Sequence[Wanted],
    *,
    progress: ProgressFunction | None = None,
    cancel: threading.Event | None = None,
    restart: bool = False,
) -> Callable[[], ChunkedClip | list[RunReport]]:
    """What a ``Farm`` needs of a clip: plans it; paints it at once where that cannot be done in chunks."""

    def opened() -> ChunkedClip | list[RunReport]:
        clip = Clip(path, wanted, progress=progress, cancel=cancel, restart=restart, always=True)
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


def chunks_at_most(frames: int | None) -> int:
    """Chunks that a clip of so many frames may have; many where that is unknown."""
    return -(-frames // CHUNK_AT_CUT) if frames else 1000


def _with_crew(
    path: str | Path,
    wanted: Sequence[Wanted],
    engine: Engine,
    progress: ProgressFunction | None,
    cancel: threading.Event | None,
    restart: bool,
) -> list[RunReport]:
    with open_reader(path, wanted[0].settings.reading(1)) as source:
        frames = source.info.frame_count
    total = frames * len(wanted) if frames else None
    told = (lambda count: progress("paint", count, total)) if progress else None
    farm: Farm[int] = Farm(engine, chunks_at_most(frames), told=told, cancel=cancel)
    farm.add(0, opener(path, wanted, progress=progress, cancel=cancel, restart=restart))
    for _, result in farm.results():
        if not isinstance(result, list):
            raise result
        return result
    raise RuntimeError("a farm ended without a result")


def _unplanned(source: FrameReader, output: Output) -> Job:
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


def _kept(job: Job, restart: bool) -> Job | None:
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


def _save(job: Job, info: VideoInfo) -> None:
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


def _cut(source: FrameReader, settings: RenderSettings) -> tuple[float | None, float | None]:
    """Times on the source's clock between which sound is kept; None where nothing is cut."""

    def seconds(point: TimePoint | None) -> float | None:
        if point is None:
            return None
        rate = source.info.fps if settings.fps is None else None
        if point.frame is not None:
            from videostyle.media.probe import packet_times, probe

            media = probe(source.path)
            times = packet_times(source.path, media.video_index or 0)
            return float(times[min(point.frame, len(times) - 1)]) if times else float(point.frame / (rate or 25))
        return source.info.start + (point.seconds or 0.0)

    return seconds(settings.start), seconds(settings.end)


def iterate(path: str | Path, settings: RenderSettings) -> Iterator[FrameBatch]:
    """Painted batches (rgb24) of an input, for use in other programs; nothing is written."""
    source = open_reader(path, settings.reading(1))
    processors: list[Processor] = []
    try:
        stylize = make_stylize(resolve(settings.style, settings.strength, source, None), settings)
        source.options = replace(source.options, batch_size=stylize.batch_for_frames(source.info))
        if not source.info.still:
            stylize.use_shots(make_plans(source, [stylize])[0].shots)
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
