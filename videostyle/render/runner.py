"""One render, from names to a finished file: used by the command line and by the Python interface."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle import __version__
from videostyle.errors import UsageError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.io.sink import EncodeOptions, Original, PictureSink, VideoSink, open_sink
from videostyle.io.source import FrameSource, ReadOptions, open_source
from videostyle.io.timecode import TimePoint
from videostyle.pipeline import RunReport, Trace, run
from videostyle.pipeline import chain as open_chain
from videostyle.processors.base import Processor
from videostyle.provenance import Painted, embed
from videostyle.render.style import resolve

if TYPE_CHECKING:
    from videostyle.models.weights import Style
    from videostyle.processors.stylize import Stylize

log = logging.getLogger("videostyle")

# phase ("plan", "paint" or "train"), steps done now, steps in all or None
ProgressFunction = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class RenderSettings:
    """What to paint with and how; everything but names of files.

    Attributes:
        style: bundled or own style, style file, picture to train on, or mix.
        strength: 0 leaves the clip as it is, 1 paints fully.
        preserve_color: keep the clip's own colours.
        start: where to begin.
        end: where to stop.
        max_size: longest side of the output.
        frame_rate: constant rate instead of the source's own times.
        encode: how to encode.
        batch_size: frames computed at once; None chooses.
        device: "auto", "cpu", "gpu", "gpu:1".
        precision: "auto", "float32", "bfloat16", "float16".
        strict: damage in the input is an error.
        allow_hdr: whether HDR is mapped to SDR (else refused).
    """

    style: str
    strength: float = 1.0
    preserve_color: bool = False
    start: TimePoint | None = None
    end: TimePoint | None = None
    max_size: int | None = None
    frame_rate: Fraction | None = None
    encode: EncodeOptions = field(default_factory=EncodeOptions)
    batch_size: int | None = None
    device: str = "auto"
    precision: str = "auto"
    strict: bool = False
    allow_hdr: bool = True

    def reading(self, batch_size: int) -> ReadOptions:
        """The part that the source needs."""
        return ReadOptions(
            batch_size=batch_size,
            start=self.start,
            end=self.end,
            max_size=self.max_size,
            frame_rate=self.frame_rate,
            strict=self.strict,
            tone_map=self.allow_hdr,
        )


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


@dataclass(frozen=True)
class Chain:
    """The processors of a render, and the style processor among them."""

    processors: list[Processor]
    stylize: Stylize


def build_chain(
    source: FrameSource,
    settings: RenderSettings,
    style: Style,
    *,
    output: str = "rgb24",
    progress: ProgressFunction | None = None,
) -> Chain:
    """Plans the shots of ``source`` (whose file is read once more for that) and builds its processors."""
    # TensorFlow is slow to import: nothing before this line needs it.
    from videostyle.processors.preserve_color import PreserveColor
    from videostyle.processors.stylize import Stylize, choose_device
    from videostyle.render import tuning
    from videostyle.render.plan import plan_shots

    if settings.preserve_color or source.info.still:
        output = "rgb24"
    tuned = tuning.load(choose_device(settings.device))
    stylize = Stylize(
        style,
        precision=tuned.precision if tuned and settings.precision == "auto" else settings.precision,
        batch_size=settings.batch_size,
        device=settings.device,
        output=output,
        batch_pixels=tuned.batch_pixels if tuned else None,
    )
    if not source.info.still:
        told = (lambda count: progress("plan", count, source.info.frame_count)) if progress else None
        with open_source(source.path, source.options) as scan:
            shots = plan_shots(scan, stylize.statistics_of, told)
        stylize.use_shots([(shot.first, shot.statistics) for shot in shots])
    return Chain([PreserveColor(stylize) if settings.preserve_color else stylize], stylize)


def render(
    path: str | Path,
    output: str | Path | None,
    settings: RenderSettings,
    *,
    progress: ProgressFunction | None = None,
    cancel: threading.Event | None = None,
    trace: Trace | None = None,
) -> RunReport:
    """Paints one input into one output.

    Args:
        path: a video, a still, a folder of pictures or a printf-style pattern.
        output: what to write; None = beside the input.
        settings: how.
        progress: told how far it is.
        cancel: set it to stop.
        trace: told of each piece of work of each stage.

    Raises:
        VideostyleError: whatever went wrong; nothing is left behind then.
    """
    if not 0.0 <= settings.strength <= 1.0:
        raise UsageError(
            f"strength {settings.strength} is outside 0..1", hint="0 leaves the clip as it is, 1 paints fully"
        )
    source = open_source(path, settings.reading(1))
    try:
        target = Path(output) if output is not None else default_output(source.path, settings.style, source.info)
        if target.is_dir() and (source.info.still or settings.encode.codec != "png"):
            target = target / default_output(source.path, settings.style, source.info).name
        # The output is tried before the network is loaded: a wrong name should not cost seconds.
        is_file = source.path.is_file() and not source.info.still
        original = Original(source.path, *_cut(source, settings)) if is_file else None
        inputs = tuple(source.files)
        open_sink(target, source.info, settings.encode, original=original, inputs=inputs).abort()
        style = resolve(settings.style, settings.strength, source, progress)
        card = style.card
        painted = Painted(card.name or settings.style, card.painting, card.artist, settings.strength, __version__)
        chain = build_chain(source, settings, style, output="i420", progress=progress)
        source.options = replace(source.options, batch_size=chain.stylize.batch_for_frames(source.info))

        def sink(info: VideoInfo) -> VideoSink | PictureSink:
            return open_sink(
                target,
                info,
                settings.encode,
                original=original,
                inputs=inputs,
                metadata=painted.tags(),
                finish=lambda file: embed(file, painted.xmp()),
            )

        told = (lambda count: progress("paint", count, source.info.frame_count)) if progress else None
        report = run(source, chain.processors, sink, progress=told, cancel=cancel, trace=trace)
        return replace(report, warnings=(*report.warnings, *chain.stylize.warnings))
    finally:
        source.close()


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
        chain = build_chain(source, settings, resolve(settings.style, settings.strength, source, None))
        processors = chain.processors
        source.options = replace(source.options, batch_size=chain.stylize.batch_for_frames(source.info))
        open_chain(source.info, processors)
        for batch in source:
            for processor in processors:
                batch = processor(batch)
            yield batch
    finally:
        source.close()
        for processor in processors:
            processor.close()
