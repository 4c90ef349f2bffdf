"""Reads video files through PyAV with a decoder in hardware: of a GPU, a graphics chip or an Apple processor.

Frames come to main memory and are converted to RGB there. Decoders in hardware differ in the last bits from those in
software and from each other, so these frames are not those of other machines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from av.codec.hwaccel import HWAccel
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from videostyle.errors import InputError
from videostyle.media import packets
from videostyle.media.packets import SAME_TIME
from videostyle.media.probe import open_container
from videostyle.media.readers.base import SEEK_LEAD, FrameReader, Input, ReadOptions
from videostyle.media.readers.completeness import missing_end
from videostyle.media.readers.timing import Frame

# Containers whose frames all have times. What decoders in hardware make of other pixel formats differs too much.
CONTAINERS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "mpegts")
PIXELS = ("yuv420p", "yuvj420p")
MATRICES = {
    "": Colorspace.ITU601,  # what small pictures are taken for that do not say it
    "bt709": Colorspace.ITU709,
    "fcc": Colorspace.FCC,
    "bt470bg": Colorspace.ITU601,
    "smpte170m": Colorspace.ITU601,
    "smpte240m": Colorspace.SMPTE240M,
}


def why_not(source: Input, device: str) -> str:
    """Why an input cannot be decoded on a device, in words; "" if it can.

    Args:
        source: a video of at most 8 bits, progressive.
        device: one of ``choices.HARDWARE_DECODERS``.
    """
    info, media = source.info, source.media
    if media is None or media.video_index is None or media.format not in CONTAINERS or media.segments:
        return "not from this kind of file"
    if info.pixel_format not in PIXELS or info.rotation or info.color.matrix not in MATRICES:
        return "not with these pixels" if not info.rotation else "not pictures that are turned"
    return _tried(source.path, media.video_index, device, info.codec, info.width, info.height)


@lru_cache(maxsize=64)
def _tried(path: Path, index: int, device: str, *_: object) -> str:
    """Decodes the first frame on a device; "" or what fails."""
    try:
        with open_container(path, accelerated_by(device)) as container:
            next(container.decode(container.streams[index]))
    except StopIteration:
        return "it has no frame"
    except InputError as error:
        return str(error.why or error)
    except (FFmpegError, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        return str(getattr(error, "strerror", None) or error)
    return ""


def accelerated_by(device: str) -> Any:
    """What PyAV decodes on a device with, or fails.

    Raises:
        ValueError: if this build of ffmpeg does not know the device.
    """
    return HWAccel(device, allow_software_fallback=False)


class HardwareReader(FrameReader):
    """Reads a video file through a decoder in hardware, each frame with its time in the container.

    Args:
        source: a video for which ``why_not`` says nothing.
        options: how to read it; ``hwaccel`` is the device.
    """

    def __init__(self, source: Input, options: ReadOptions) -> None:
        super().__init__(source, source.info, options, options.frame_rate)
        if source.media is None or source.media.video_index is None:
            raise ValueError(f"'{source.path}' is not a video")
        self._media, self._index = source.media, source.media.video_index
        self._container: Any = None
        self._begin: float | None = None  # after a seek: when the first wanted frame is shown

    def _opened(self) -> Any:
        if self._container is None:
            self._container = open_container(self.path, accelerated_by(self.options.hwaccel or ""))
        return self._container

    def _rewind(self) -> None:
        if self._container is not None:
            self._container.close()
        self._container, self._begin = None, None

    def _first_time(self) -> float:
        self._rewind()
        for _, time in self._decoded():
            self._rewind()
            return time
        raise self._failed("no intact frame")

    def _time_of(self, number: int) -> float | None:
        return packets.time_of_frame(self._media, number)

    def _seek(self, time: float) -> bool:
        shown = packets.shown_at(self._media, time)
        step = float(1 / self._native.fps) if self._native.fps else 0.04
        self._rewind()
        # The first frames behind a key frame may refer to frames before it.
        if shown is None or shown - SEEK_LEAD * step <= self._native.start:
            return False
        container = self._opened()
        stream = container.streams[self._index]
        container.seek(math.floor((shown - SEEK_LEAD * step) / stream.time_base), stream=stream)
        self._begin = shown
        return True

    def _decoded(self) -> Iterator[tuple[Any, float]]:
        """Frames as PyAV gives them, and their times in seconds.

        Raises:
            InputError: if the decoder fails.
        """
        container = self._opened()
        try:
            for frame in container.decode(container.streams[self._index]):
                if frame.pts is not None:
                    yield frame, float(frame.pts * frame.time_base)
        except (FFmpegError, OSError) as error:
            raise self._failed(str(getattr(error, "strerror", None) or error)) from error

    def _failed(self, reason: str) -> InputError:
        hint = f"leave `hwaccel` ({self.options.hwaccel}) out, to decode on the processor"
        return InputError(f"cannot decode '{self.path}'", reason, hint)

    def _frames(self) -> Iterator[Frame]:
        info, begin = self._native, self._begin
        reformatter, matrix = VideoReformatter(), MATRICES[info.color.matrix]
        full = ColorRange.JPEG if info.color.full_range else ColorRange.MPEG
        read, last = 0, -math.inf
        for frame, time in self._decoded():
            if self._closed:
                return
            if time <= last or (begin is not None and time < begin - SAME_TIME):
                continue
            picture = reformatter.reformat(
                frame,
                info.width,
                info.height,
                "rgb24",
                src_colorspace=matrix,
                src_color_range=full,
                dst_color_range=ColorRange.JPEG,
                interpolation=Interpolation.BILINEAR,
            )
            read, last = read + 1, time
            yield picture.to_ndarray(), time
        if not read:
            raise self._failed("no intact frame")
        missing = missing_end(self._media, None if begin is not None else read, last)
        if missing:
            self._warn(missing)

    def close(self) -> None:
        """Frees the file and the decoder."""
        super().close()
        self._rewind()
