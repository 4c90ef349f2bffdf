"""Reads video files through an ffmpeg pipe: interlaced, HDR, wide gamut, and codecs that OpenCV lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from videostyle.errors import InputError
from videostyle.media import probe
from videostyle.media.ffmpeg import argv
from videostyle.media.ffmpeg.process import Process
from videostyle.media.readers.base import Frame, FrameReader, ReadOptions


class FFmpegReader(FrameReader):
    """A video that OpenCV gets wrong (interlaced, HDR, wide gamut), through an ffmpeg pipe with the packets' times."""

    def __init__(self, media: probe.MediaInfo, options: ReadOptions, *, tone_map: bool = False) -> None:
        if media.video is None or media.video_index is None:
            raise InputError(f"'{media.path}' has no video stream")
        info = media.video
        super().__init__(media.path, info, options)
        self._media = media
        self._process: Process | None = None
        self._tone_map, self._stream = tone_map, media.video_index
        if tone_map:
            color = replace(info.color, matrix="bt709", primaries="bt709", transfer="bt709", full_range=False)
            self.info = replace(self.info, color=color, bit_depth=8)

    def _frames(self) -> Iterator[Frame]:
        info = self._native
        self._process = Process(
            argv.decode_arguments(self.path, info, stream=self._stream, tone_map=self._tone_map), write=False
        )
        size = info.width * info.height * 3
        step = float(1 / info.fps) if info.fps else 0.04
        read, last = 0, info.start - step
        try:
            for data, time in probe.raw_frames(self._process.stdout):
                if self._closed or len(data) < size:
                    break
                last = time if time is not None and time > last else last + step
                read += 1
                yield np.frombuffer(data, np.uint8, size).reshape(info.height, info.width, 3), last
        except OSError:
            pass  # the pipe broke: ffmpeg's exit status says why
        failure = "" if self._closed else self._process.failed
        if read == 0:
            raise InputError(f"cannot decode '{self.path}'", failure or "no intact frame")
        if self._closed:
            return
        # A packet may hold one field only, and two make a frame: these are counted as decoded.
        times = probe.frame_times if info.interlaced else probe.packet_times
        expected = len(times(self.path, self._stream))
        if failure or read < expected:
            self._warn(f"{read} of {expected} frames could be read {failure}".strip())
        self._check_end(self._media, read, last)

    def close(self) -> None:
        """Ends ffmpeg."""
        super().close()
        if self._process is not None:
            self._process.kill()
