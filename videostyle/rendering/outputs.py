"""One output of a render: what was asked for, what is opened for it, and what the finished file says of itself."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.errors import OutputError, UsageError
from videostyle.frames import VideoInfo
from videostyle.media.atomic import disk_error
from videostyle.media.ffmpeg.codecs import SEQUENCE
from videostyle.media.packets import shown_times
from videostyle.media.picture_metadata import WITH_METADATA
from videostyle.media.readers.base import FrameReader
from videostyle.media.readers.images import in_sequence
from videostyle.media.timecode import TimePoint
from videostyle.media.writers.images import ImageWriter, numbered
from videostyle.media.writers.mux import Original
from videostyle.media.writers.open import open_writer
from videostyle.media.writers.video import VideoWriter
from videostyle.rendering.chain import delivered_info
from videostyle.rendering.job_store import work_folder
from videostyle.rendering.made_with import finished, provenance_of
from videostyle.rendering.naming import default_output
from videostyle.rendering.processor_cache import make_style_processor, painted_pixels
from videostyle.rendering.progress import ProgressFunction
from videostyle.rendering.settings import RenderSettings
from videostyle.training.session import resolve_or_train

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor


@dataclass(frozen=True)
class OutputRequest:
    """One output of a clip, as it was asked for.

    Attributes:
        output: the file to write, or a folder, which is made where it ends with a slash; None = beside the clip.
        settings: how to render it.
        make_folder: whether the folder of a file is made where it is missing.
    """

    output: str | Path | None
    settings: RenderSettings
    make_folder: bool = False

    @property
    def makes_folder(self) -> bool:
        """Whether the folder of the output is made."""
        return self.make_folder or (self.output is not None and is_folder(self.output))


@dataclass(frozen=True)
class Output:
    """One output of a clip that is being rendered.

    Attributes:
        settings: how to render it.
        target: what to write.
        writer: opened, which locks the output.
        style_processor: the style processor that measures and paints it.
    """

    settings: RenderSettings
    target: Path
    writer: VideoWriter | ImageWriter
    style_processor: StyleProcessor


def open_outputs(requests: Sequence[OutputRequest], source: FrameReader, on_progress: ProgressFunction) -> list[Output]:
    """Opens and locks outputs, resolves their styles, and loads the network.

    Args:
        requests: what was asked for.
        source: reads the input as all of them need it.
        on_progress: called while a style is trained.

    Raises:
        VideostyleError: if one cannot be written, or its style cannot be used; nothing is left behind then.
    """
    outputs: list[Output] = []
    try:
        for request in requests:
            outputs.append(_open(request, source, on_progress))
    except BaseException:
        for output in outputs:
            output.writer.abort()
        raise
    return outputs


def _open(request: OutputRequest, source: FrameReader, on_progress: ProgressFunction) -> Output:
    settings, media = request.settings, source.input.media
    target = target_of(request, source.path, source.info)
    if request.makes_folder:
        _make_folder(target.parent)
    # The output is opened, and locked, before the network is loaded: a wrong name should not cost seconds.
    tags: dict[str, str] = {}
    marks: list[bytes] = []
    kept = source.input.metadata
    writer = open_writer(
        target,
        delivered_info(source.info, settings),
        settings.encode,
        original=Original(media, *_cut(source, settings), source.shown_until) if media is not None else None,
        inputs=tuple(source.files),
        numbers=source.numbers,
        metadata=tags,
        finish=lambda file, number: finished(file, marks[0], source.pictures[number : number + 1]),
    )
    lost = [word for word, data in (("EXIF", kept.exif), ("colour profile", kept.icc)) if data] if kept else []
    suffix = writer.suffix if isinstance(writer, ImageWriter) else ""
    if lost and suffix not in WITH_METADATA:
        where = suffix or f"a video ({target.suffix})"
        writer.warnings.append(f"{' and '.join(lost)} of the pictures cannot be kept in {where}")
    try:
        if _among_inputs(source.path, target, writer):
            raise OutputError(
                f"the output '{target}' lies among the pictures of the input",
                "it would be painted as well",
                "choose another folder",
            )
        pixels = painted_pixels(settings, suffix or target.suffix, source.info, pictures=bool(suffix))
        style = resolve_or_train(settings.style, settings.strength, on_progress)
        provenance = provenance_of(style, settings)
        tags.update(provenance.tags())
        marks.append(provenance.xmp())
        style_processor = make_style_processor(style, settings, output=pixels)
    except BaseException:
        writer.abort()
        raise
    return Output(settings, target, writer, style_processor)


def target_of(request: OutputRequest, path: Path, info: VideoInfo) -> Path:
    """The file, the pattern or the folder of pictures that a request means; nothing is made.

    What ends with a slash, or is a folder, is a folder that the output goes into. A folder that holds a sequence of
    pictures, finished or not, is that sequence.

    Args:
        request: what was asked for.
        path: of the input.
        info: of the input.

    Raises:
        UsageError: if it is no place to write to.
    """
    default = default_output(path, request.settings, info)
    if request.output is None:
        return default
    output = Path(request.output)
    if str(output) == "-":
        why = "a finished file is checked before it gets its name"
        raise UsageError("cannot write to standard output", why, "name a file as `output`")
    return output / default.name if is_folder(request.output) and not _is_sequence(output, request) else output


def is_folder(output: str | os.PathLike[str]) -> bool:
    """Whether an output is a folder: it exists as one, or ends with a slash."""
    # Unlike that of Path it may be asked for a name that is too long.
    return os.path.isdir(output) or (isinstance(output, str) and output.endswith(("/", os.sep)))


def _is_sequence(folder: Path, request: OutputRequest) -> bool:
    """Whether a folder holds a sequence of pictures, or a part of one, as ``ImageWriter`` writes it."""
    if request.settings.codec != SEQUENCE or not os.path.isdir(folder):
        return False
    names = [name for name in os.listdir(folder) if not name.startswith(".")]
    pictures = all(re.fullmatch(r"\d{6,}\.png", name) for name in names)
    work = work_folder(folder)
    return pictures and (bool(names) or work.exists() or work.with_name(f"{work.name}.lock").exists())


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(folder, error) from error


def _among_inputs(path: Path, target: Path, writer: VideoWriter | ImageWriter) -> bool:
    """Whether files of an output would be read as part of the input, by the next chunk or when it is resumed."""
    if isinstance(writer, ImageWriter) and writer.in_parts:
        return any(in_sequence(path, numbered(writer.pattern, number)) for number in (0, 999_999))
    return in_sequence(path, target)


def _cut(source: FrameReader, settings: RenderSettings) -> tuple[float | None, float | None]:
    """Times on the source's clock between which sound is kept; None where nothing is cut."""

    def seconds(point: TimePoint | None) -> float | None:
        if point is None:
            return None
        rate = source.info.fps if settings.fps is None else None
        if point.frame is not None:
            media = source.input.media
            times = shown_times(media) if media is not None else []
            return float(times[min(point.frame, len(times) - 1)]) if times else float(point.frame / (rate or 25))
        return source.info.start + (point.seconds or 0.0)

    return seconds(settings.start), seconds(settings.end)
