"""Reads video files through an ffmpeg pipe: those that OpenCV would decode wrongly, or not at all."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import IO

import av
import numpy as np
from av.error import FFmpegError

from videostyle.errors import InputError
from videostyle.frames import AnyArray
from videostyle.media import hdr, packets
from videostyle.media.choices import KEEP_HDR
from videostyle.media.ffmpeg import argv
from videostyle.media.ffmpeg.argv import RAW_FORMATS
from videostyle.media.ffmpeg.process import Process
from videostyle.media.packets import SAME_TIME
from videostyle.media.readers.base import SEEK_LEAD, SEEKABLE, FrameReader, Input, ReadOptions
from videostyle.media.readers.completeness import missing_end
from videostyle.media.readers.timing import Frame

# Seconds before a frame at which ffmpeg looks for a key frame. Where decoding from there gives no frame early enough
# (streams that refresh the picture piece by piece), it looks earlier.
SEEK_MARGINS = (0.0, 10.0, 60.0)


def _piped_frames(stream: IO[bytes]) -> Iterator[tuple[bytes, float | None]]:
    """Raw frames and their times in seconds from a pipe that carries NUT (``argv.decode_arguments``).

    A pipe that ends before the first frame gives none.

    Raises:
        OSError: if the pipe breaks later.
    """
    try:
        container = av.open(stream, format="nut")
    except (FFmpegError, ValueError, IndexError):
        return  # there was no frame
    with container:
        try:
            for packet in container.demux(video=0):
                if packet.size:
                    yield bytes(packet), float(packet.pts * packet.time_base) if packet.pts is not None else None
        except FFmpegError as error:
            raise OSError(str(error)) from error


class FFmpegReader(FrameReader):
    """Reads a video file through an ffmpeg pipe, each frame with its time in the container.

    It deinterlaces, maps HDR to SDR, and decodes more than 8 bits, wide gamuts and codecs that OpenCV lacks.

    Args:
        source: a video.
        options: how to read it.
    """

    def __init__(self, source: Input, options: ReadOptions) -> None:
        info, media = source.info, source.media
        super().__init__(source, info, options, options.frame_rate)
        if media is None or media.video_index is None:
            raise ValueError(f"'{source.path}' is not a video")
        self._media = media
        self._tone_map = options.tone_map if info.color.is_hdr else ""
        self._stream = media.video_index
        self._step = float(1 / info.fps) if info.fps else 0.04  # seconds between two frames, on average
        self._process: Process | None = None
        self._rewind()
        if self._tone_map == KEEP_HDR:
            self.info = replace(self.info, color=hdr.output_color(info.color))
            if not options.deep:
                self._tone_map = hdr.VIEW  # frames that are only measured are seen as those that are painted
        elif self._tone_map:
            color = replace(info.color, matrix="bt709", primaries="bt709", transfer="bt709", full_range=False)
            self.info = replace(self.info, color=color)

    @property
    def _keeps_hdr(self) -> bool:
        return self._tone_map == KEEP_HDR

    @property
    def with_alpha(self) -> bool:
        """Whether batches have alpha, or what makes HDR as bright again as it was."""
        return super().with_alpha or self._keeps_hdr

    @property
    def deep(self) -> bool:
        """Whether batches have frames of 16 bits."""
        return super().deep or self._keeps_hdr

    @property
    def _pixels(self) -> str:
        """Ffmpeg's name of the pixel format that is decoded."""
        if self._keeps_hdr:
            return RAW_FORMATS["rgb48", False]
        return RAW_FORMATS["rgb48" if self.deep else "rgb24", self.with_alpha]

    def _converted(self, picture: AnyArray, out: AnyArray | None = None) -> AnyArray:
        return hdr.view(picture, self._native.color) if self._keeps_hdr else picture

    def _rewind(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._process = None
        self._raw: Iterator[tuple[bytes, float | None]] = iter(())
        self._sought = False

    def _start(self, seek: float | None = None, begin: float | None = None) -> float | None:
        """Starts ffmpeg and waits for its first frame.

        Args:
            seek: as in ``argv.decode_arguments``.
            begin: as there.

        Returns:
            The time of the first frame, in seconds; None if there is no frame, or it has no time.
        """
        self._rewind()
        arguments = argv.decode_arguments(
            self.path,
            self._native,
            stream=self._stream,
            tone_map=self._tone_map,
            seek=seek,
            begin=begin,
            jumps=bool(self._media.segments),
            pixels=self._pixels,
        )
        self._process = Process(arguments, write=False)
        frames = _piped_frames(self._process.stdout)
        if self._media.segments:
            frames = ((data, None if time is None else time + self._media.origin) for data, time in frames)
        try:
            first = next(frames, None)
        except OSError:
            first = None  # the pipe broke: ffmpeg's exit status says why
        self._raw = frames if first is None else chain([first], frames)
        return None if first is None else first[1]

    def _first_time(self) -> float:
        start = self._native.start
        time = self._start()
        return time if time is not None and time > start - self._step else start

    def _time_of(self, number: int) -> float | None:
        return packets.time_of_frame(self._media, number)

    def _seek(self, time: float) -> bool:
        if self._media.format not in SEEKABLE:
            return False
        shown = packets.shown_at(self._media, time)
        if shown is None:
            return False
        if self._media.segments:
            return False
        # Deinterlacing needs the neighbouring frames, and the first frames behind a key frame may refer to frames
        # before it, which are not decoded.
        begin = shown - SEEK_LEAD * self._step
        for margin in SEEK_MARGINS:
            if begin - margin <= self._native.start:
                break
            found = self._start(begin - margin - self._media.origin, begin)
            if found is not None and found <= shown - 2 * self._step * self._native.interlaced + SAME_TIME:
                self._sought = True
                return True
        self._rewind()
        return False

    def _frames(self) -> Iterator[Frame]:
        info = self._native
        if self._process is None:
            self._start()
        process = self._process
        if process is None:
            return  # closed
        channels = 4 if "a" in self._pixels else 3
        dtype = np.dtype("<u2" if self._pixels.endswith("le") else "u1")
        count = info.width * info.height * channels
        read, begin, last = 0, -math.inf, -math.inf if self._sought else info.start - self._step
        try:
            for data, time in self._raw:
                if self._closed or len(data) < count * dtype.itemsize:
                    break
                last = time if time is not None and time > last else last + self._step
                begin = last if read == 0 and self._sought else begin
                read += 1
                yield np.frombuffer(data, dtype, count).reshape(info.height, info.width, channels), last
        except OSError:
            pass  # the pipe broke: ffmpeg's exit status says why
        if self._closed:
            return
        failure = process.failed
        if read == 0:
            raise InputError(
                f"cannot decode '{self.path}'",
                failure or "no intact frame",
                hint="convert it with ffmpeg first, for instance to H.264 in .mp4",
            )
        # A packet of interlaced video may hold one field, half a frame; packets may hold frames that are not shown.
        # Counting packets is quick, and decoding them tells the truth.
        expected = sum(time > begin - SAME_TIME for time in packets.shown_times(self._media))
        if info.interlaced or read < expected:
            expected = packets.decodable(self._media, begin)
        if failure or read < expected:
            self._warn(f"{read} of {expected} frames could be read {failure}".strip())
        missing = missing_end(self._media, None if self._sought else read, last)
        if missing:
            self._warn(missing)

    def stop(self) -> None:
        """Ends ffmpeg, and so the iteration that another thread is in."""
        super().stop()
        if self._process is not None:
            self._process.kill()
