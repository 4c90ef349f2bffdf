"""Sound that the ffmpeg program can copy into a container, and PyAV cannot: it asks for a codec that is usual there.

Its packets are written into a file of their own beside the output, at their final times. In the end the program joins
both.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from videostyle.errors import OutputError
from videostyle.media.ffmpeg.argv import QUIET, file_name
from videostyle.media.ffmpeg.process import output_of

CONTAINER = "asf"  # its header has all that a codec of Windows needs
INTO = (".mkv",)  # what may hold codecs that are not usual in it


def can_copy(path: Path, stream: Any, suffix: str, muxer: str) -> bool:
    """Whether the program copies a stream into a container; it is tried on its beginning.

    Args:
        path: the original.
        stream: of it.
        suffix: of the output, in lower case.
        muxer: ffmpeg's name of its container.
    """
    if suffix not in INTO:
        return False
    arguments = [*QUIET, "-i", file_name(path), "-map", f"0:{stream.index}", "-c", "copy", "-t", "0.1"]
    try:
        with av.open(io.BytesIO(), "w", format=CONTAINER) as trial:
            trial.add_stream_from_template(stream, opaque=True)
        return bool(output_of([*arguments, "-f", muxer, "pipe:1"]))
    except (FFmpegError, ValueError, OutputError):
        return False


def join(target: Path, beside: Path, streams: Sequence[Any], muxer: str) -> None:
    """Copies all streams of a file beside the output into the output, behind its own.

    Args:
        target: the output.
        beside: the other file.
        streams: of the original, from which its streams were copied, in order.
        muxer: ffmpeg's name of the output's container.

    Raises:
        OutputError: if the program fails; the output is as it was then.
        OSError: if the disk fails.
    """
    joined = target.with_name(f"{target.name}.joined")
    with av.open(f"file:{target}") as container:
        first = len(container.streams.audio)
    arguments = [*QUIET, "-y", "-copyts", "-i", file_name(target), "-i", file_name(beside)]
    arguments += ["-map", "0", "-map", "1", "-c", "copy", "-map_metadata", "0", "-map_chapters", "0"]
    for number, stream in enumerate(streams, first):
        for key, value in stream.metadata.items():
            arguments += [f"-metadata:s:a:{number}", f"{key}={value}"]
        flags = [str(flag.name) for flag in type(stream.disposition) if flag in stream.disposition]
        arguments += [f"-disposition:a:{number}", "+".join(flags) or "0"]
    try:
        output_of([*arguments, "-default_mode", "passthrough", "-f", muxer, file_name(joined)])
        os.replace(joined, target)
    finally:
        joined.unlink(missing_ok=True)
