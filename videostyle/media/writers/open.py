"""Opens the writer that a path and a codec ask for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from videostyle.errors import SettingError, UsageError
from videostyle.frames import VideoInfo
from videostyle.media.atomic import disk_error, vet_output
from videostyle.media.ffmpeg.codecs import BY_SUFFIX, SEQUENCE
from videostyle.media.readers.pictures import WRITTEN
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.images import PLACE, ImageWriter, check_picture_options
from videostyle.media.writers.mux import Original
from videostyle.media.writers.original_tags import lost_in_pictures
from videostyle.media.writers.video import VideoWriter, check_encoding

VIDEO_HINT = "write NAME.mp4 for a video, NAME_%04d.png for numbered pictures, or NAME/ for a folder, which is made"
STILL_HINT = f"end the name with {', '.join(WRITTEN[:4])} or another kind of picture"


def output_path(text: str | os.PathLike[str]) -> Path:
    """The path of an output as a user wrote it; what ends with a slash is a folder, which is made.

    Raises:
        OutputError: if the folder cannot be made.
    """
    path = Path(text)
    if isinstance(text, str) and text.endswith(("/", os.sep)):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(path, error) from error
    return path


def open_writer(
    path: str | Path,
    info: VideoInfo,
    options: EncodeOptions | None = None,
    *,
    original: Original | None = None,
    metadata: Mapping[str, str] | None = None,
    finish: Callable[[Path, int], object] | None = None,
    inputs: tuple[Path, ...] = (),
    numbers: tuple[int, ...] = (),
) -> VideoWriter | ImageWriter:
    """Opens the writer that ``path`` and the codec ask for.

    Frames of a video become pictures where the name has a place for their number (``out_%04d.png``), where ``path``
    is a folder that exists or ends with a slash, and with the codec "png", which may make a folder. One frame of a
    video becomes a picture where the name is that of one.

    Args:
        path: the output.
        info: what the frames look like.
        options: how to encode.
        original: where everything but the picture is copied from; None = a silent video.
        metadata: tags of the container, added to the original's; read when the file is finished.
        finish: called with each complete file before it is named, and the number of its frame (0 for a video).
        inputs: files none of which may be written.
        numbers: of the pictures of a sequence; () = 0, 1, 2...

    Raises:
        UsageError: if the name does not say what to write, or the codec is not known or has no such quality.
        OutputError: if the output cannot be created.
    """
    options = options or EncodeOptions()
    path = output_path(path)
    written, still = _pictures(path, info, options)
    if not written:
        video = VideoWriter(path, info, options, original, metadata, finish)
        video.warnings += _lost_alpha(info, video) + _lost_bits(info, video.stores_deep) + _lost_light(info, video)
        return video
    _refuse_hdr(info)
    info = replace(info, still=still)
    ignored = check_picture_options(written, options)
    if ignored and not still:
        raise UsageError(ignored, hint="leave it out")
    writer = ImageWriter(path, info, options, finish, inputs, lock=True, numbers=numbers)
    writer.warnings += [ignored] if ignored else []
    writer.warnings += _lost_alpha(info, writer) + _lost_bits(
        info, writer.holds_deep and options.bit_depth != "8", ".png, .tif"
    )
    if original is not None:
        writer.warnings += lost_in_pictures(original.media, written, audio=options.audio)
    return writer


def check_output(path: Path, info: VideoInfo, options: EncodeOptions, inputs: tuple[Path, ...] = ()) -> None:
    """Refuses what ``open_writer`` would refuse, without making anything.

    Pictures of a sequence that exist already are not looked at: how many there will be is known later.

    Args:
        path: the output.
        info: what the frames look like.
        options: how to encode.
        inputs: files none of which may be written.

    Raises:
        UsageError: as in ``open_writer``.
        OutputError: if the output exists, is an input, or its folder is missing.
    """
    written, still = _pictures(path, info, options)
    if not written:
        check_encoding(path.suffix, info, options)
    else:
        _refuse_hdr(info)
        ignored = check_picture_options(written, options)
        if ignored and not still:
            raise UsageError(ignored, hint="leave it out")
    if not written or still:
        vet_output(path, overwrite=options.overwrite, sources=inputs)


def _pictures(path: Path, info: VideoInfo, options: EncodeOptions) -> tuple[str, bool]:
    """The suffix of the pictures to write, "" for a video; and whether it is one picture.

    Raises:
        UsageError: if the name does not say what to write.
    """
    suffix = path.suffix.lower()
    folder, picture = os.path.isdir(path), suffix in WRITTEN
    if folder or (options.codec == SEQUENCE and not suffix) or (picture and PLACE.search(path.name)):
        return (suffix if picture and not folder else ".png"), info.still and picture and not PLACE.search(path.name)
    # One frame of a video is a picture.
    if picture and (info.still or (info.frame_count == 1 and options.codec in (None, SEQUENCE))):
        return suffix, True
    if not suffix or info.still or options.codec == SEQUENCE or (picture and suffix not in BY_SUFFIX):
        raise UsageError(f"'{path}' does not say what to write", hint=STILL_HINT if info.still else VIDEO_HINT)
    return "", False


def _refuse_hdr(info: VideoInfo) -> None:
    if info.color.is_hdr:
        raise SettingError("tone_map", "pictures hold no HDR", "choose another one, and HDR is mapped to SDR")


def _lost_bits(info: VideoInfo, deep: bool, able: str = "hevc, av1, vp9, prores") -> list[str]:
    """A warning if frames have more bits than the output stores."""
    if info.bit_depth <= 8 or deep:
        return []
    what, more = ("pictures", "all") if able.startswith(".") else ("video", "10")
    return [f"{info.bit_depth}-bit {what} is painted as such and stored with 8 bits ({able} keep {more})"]


def _lost_light(info: VideoInfo, writer: VideoWriter) -> list[str]:
    """A warning if HDR says how bright it is, and the output cannot."""
    if not (info.color.mastering or info.color.content_light) or not info.color.is_hdr or writer.holds_light:
        return []
    return ["mastering display and content light are left out (hevc and av1 keep them)"]


def _lost_alpha(info: VideoInfo, writer: VideoWriter | ImageWriter) -> list[str]:
    """A warning if frames have an alpha channel that the output cannot hold."""
    if not info.has_alpha or writer.holds_alpha:
        return []
    if isinstance(writer, ImageWriter):
        return ["the picture is put on white: such files have no alpha channel (.png, .webp and .tif have)"]
    return ["the alpha channel is dropped: the output has none (vp9, prores, ffv1, qtrle, .png and .webp have)"]
