"""Reads video files through an ffmpeg pipe: interlaced, HDR, wide gamut, and codecs that OpenCV lacks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import numpy as np

from videostyle.errors import InputError
from videostyle.media import probe
from videostyle.media.ffmpeg import argv
from videostyle.media.ffmpeg.process import Process
from videostyle.media.readers.base import SAME_TIME, SEEK_LEAD, SEEKABLE, Frame, FrameReader, Input, ReadOptions

# Seconds before a frame at which the search for a key frame begins; where decoding from there gives no frame in time
# (pictures that refresh piece by piece), it begins earlier.
SEEK_MARGINS = (0.0, 10.0, 60.0)


class FFmpegReader(FrameReader):
    """A video that OpenCV gets wrong (interlaced, HDR, wide gamut), through an ffmpeg pipe with the packets' times."""

    def __init__(self, source: Input, options: ReadOptions, *, tone_map: bool = False) -> None:
        info, media = source.info, source.media
        super().__init__(source, info, options, options.frame_rate)
        if media is None or media.video_index is None:
            raise ValueError("pictures are not read with this reader")
        self._media = media
        self._tone_map, self._stream = tone_map, media.video_index
        self._step = float(1 / info.fps) if info.fps else 0.04  # seconds between two frames, on average
        self._process: Process | None = None
        self._rewind()
        if tone_map:
            color = replace(info.color, matrix="bt709", primaries="bt709", transfer="bt709", full_range=False)
            self.info = replace(self.info, color=color, bit_depth=8)

    def _rewind(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._process = None
        self._raw: Iterator[tuple[bytes, float | None]] = iter(())
        self._begins_late = False

    def _start(self, seek: float | None = None, begin: float | None = None) -> float | None:
        """Starts ffmpeg; gives the time of the first frame that comes, None if none comes or it has none."""
        self._rewind()
        arguments = argv.decode_arguments(
            self.path, self._native, stream=self._stream, tone_map=self._tone_map, seek=seek, begin=begin
        )
        self._process = Process(arguments, write=False)
        frames = probe.raw_frames(self._process.stdout)
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
        return probe.time_of_frame(self._media, number)

    def _seek(self, time: float) -> bool:
        if self._media.format not in SEEKABLE:
            return False
        shown = probe.shown_at(self._media, time)
        if shown is None:
            return False
        # Deinterlacing looks at the frames beside, and the first frames of all may refer to some that are not there.
        begin = shown - SEEK_LEAD * self._step
        for margin in SEEK_MARGINS:
            if begin - margin <= self._native.start:
                break
            found = self._start(begin - margin - self._media.start, begin)
            if found is not None and found <= shown - 2 * self._step * self._native.interlaced + SAME_TIME:
                self._begins_late = True
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
        size = info.width * info.height * 3
        read, begin, last = 0, -math.inf, -math.inf if self._begins_late else info.start - self._step
        try:
            for data, time in self._raw:
                if self._closed or len(data) < size:
                    break
                last = time if time is not None and time > last else last + self._step
                begin = last if read == 0 and self._begins_late else begin
                read += 1
                yield np.frombuffer(data, np.uint8, size).reshape(info.height, info.width, 3), last
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
        # A packet may hold one field only, and two make a frame: these are counted as decoded.
        times = probe.frame_times if info.interlaced else probe.packet_times
        expected = sum(time > begin - SAME_TIME for time in times(self.path, self._stream))
        if failure or read < expected:
            self._warn(f"{read} of {expected} frames could be read {failure}".strip())
        self._check_end(self._media, None if self._begins_late else read, last)

    def stop(self) -> None:
        """Ends ffmpeg, and so the iteration that another thread is in."""
        super().stop()
        if self._process is not None:
            self._process.kill()
