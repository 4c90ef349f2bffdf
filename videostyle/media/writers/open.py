"""Opens the writer that a path and a codec ask for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from videostyle.errors import UsageError
from videostyle.frames import VideoInfo
from videostyle.media.atomic import disk_error
from videostyle.media.ffmpeg.codecs import BY_SUFFIX, SEQUENCE
from videostyle.media.readers.images import PICTURES
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.images import PLACE, ImageWriter, check_picture_options
from videostyle.media.writers.mux import Original
from videostyle.media.writers.video import VideoWriter

VIDEO_HINT = "write NAME.mp4 for a video, NAME_%04d.png for numbered pictures, or NAME/ for a folder, which is made"
STILL_HINT = f"end the name with {', '.join(PICTURES[:4])} or another kind of picture"


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
    finish: Callable[[Path], object] | None = None,
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
        finish: called with each complete file before it is named.
        inputs: files none of which may be written.
        numbers: of the pictures of a sequence; () = 0, 1, 2...

    Raises:
        UsageError: if the name does not say what to write, or the codec is not known or has no such quality.
        OutputError: if the output cannot be created.
    """
    options = options or EncodeOptions()
    path = output_path(path)
    suffix = path.suffix.lower()
    folder, picture = os.path.isdir(path), suffix in PICTURES
    several = folder or (options.codec == SEQUENCE and not suffix) or (picture and PLACE.search(path.name))
    if picture and not several and info.frame_count == 1 and options.codec in (None, SEQUENCE):
        info = replace(info, still=True)  # one frame of a video is a picture
    if not several and not (info.still and picture):
        if not suffix or info.still or options.codec == SEQUENCE or (picture and suffix not in BY_SUFFIX):
            raise UsageError(f"'{path}' does not say what to write", hint=STILL_HINT if info.still else VIDEO_HINT)
        return VideoWriter(path, info, options, original, metadata, finish)
    written = suffix if picture and not folder else ".png"
    ignored = check_picture_options(written, options)
    if ignored and not info.still:
        raise UsageError(ignored, hint="leave it out")
    writer = ImageWriter(path, info, options, finish, inputs, lock=True, numbers=numbers)
    writer.warnings += [ignored] if ignored else []
    return writer
