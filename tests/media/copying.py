"""What the tests of awkward files share: small inputs made by ffmpeg, copied without painting, and compared."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.conftest import ffmpeg
from videostyle.media.ffmpeg.process import ffmpeg_exe
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.mux import Original
from videostyle.media.writers.open import open_writer
from videostyle.rendering.pipeline import RunReport, run

PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1")
SOUND = ("-f", "lavfi", "-i", "sine=440:d=1:r=48000")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac")


def make(path: Path, *arguments: str | Path) -> Path:
    """Runs ffmpeg; returns the file that it wrote."""
    ffmpeg(*arguments, path)
    return path


def copied(source: Path, output: Path, options: EncodeOptions | None = None, **reading: Any) -> RunReport:
    """Renders without painting: what a render does to a file besides."""
    reader = open_reader(source, ReadOptions(**reading))
    media = reader.input.media
    original = Original(media, shown_until=reader.shown_until) if media is not None else None
    options = options or EncodeOptions(crf=1, preset="ultrafast")
    return run(reader, [], lambda info: open_writer(output, info, options, original=original))


def frames_of(source: Path, **reading: Any) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Frames, times and warnings of a reader."""
    with open_reader(source, ReadOptions(**reading)) as reader:
        batches = list(reader)
        frames, times = (np.concatenate(parts) for parts in zip(*((b.frames, b.pts) for b in batches), strict=True))
        return frames, times, reader.warnings


def decoded(path: Path, size: tuple[int, int], *filters: str) -> np.ndarray:
    """The frames of a file as the ffmpeg program decodes them, uint8 ``[T, H, W, 3]``."""
    chain = ("-vf", ",".join(filters)) if filters else ()
    command = [ffmpeg_exe(), "-v", "error", "-i", f"file:{path}", *chain, "-fps_mode", "passthrough"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(data, np.uint8).reshape(-1, size[1], size[0], 3)


def video_times(path: Path) -> list[float]:
    """Presentation times of the frames of a written file, seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return sorted(float(p.pts * p.time_base) for p in container.demux(stream) if p.pts is not None)


def length_of(path: Path, kind: str = "video") -> float:
    """How long the first stream of a kind lasts in a written file, seconds."""
    with av.open(str(path)) as container:
        (stream, *_) = (s for s in container.streams if s.type == kind)
        ends = [p.pts * p.time_base + (p.duration or 0) * p.time_base for p in container.demux(stream) if p.size]
        return float(max(ends)) - float((stream.start_time or 0) * stream.time_base)


def streams_of(path: Path) -> list[tuple[str, str]]:
    """Kind and codec of each stream of a written file."""
    with av.open(str(path)) as container:
        return [(s.type, s.codec_context.name if s.codec_context is not None else "") for s in container.streams]
