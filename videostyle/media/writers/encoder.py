"""Encodes frames into one video stream, with ffmpeg."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from videostyle.frames import FrameBatch, VideoInfo
from videostyle.media import hdr
from videostyle.media.ffmpeg import argv
from videostyle.media.ffmpeg.codecs import Codec
from videostyle.media.ffmpeg.process import Process
from videostyle.media.writers.base import EncodeOptions


class StreamEncoder:
    """Encodes frames at a constant rate into one file without sound, and keeps the true time of each frame.

    Args:
        target: the file to write.
        info: description of the frames.
        codec: the codec.
        options: how to encode.

    Attributes:
        times: when each frame that was written is shown, seconds.
    """

    def __init__(self, target: Path, info: VideoInfo, codec: Codec, options: EncodeOptions) -> None:
        self.times: list[float] = []
        self._target, self._info, self._codec, self._options = target, info, codec, options
        self._process: Process | None = None
        self._input_format = ""

    def write(self, batch: FrameBatch) -> None:
        """Encodes one batch; the first one starts ffmpeg.

        Raises:
            OutputError: if ffmpeg has ended.
            ValueError: if the frames have another size or format than they should.
        """
        # Where the codec has an alpha channel but the file has none, frames come in planes, which have none either.
        alpha = batch.alpha if self._codec.alpha_pixel_format and not self._info.color.is_hdr else None
        height, width = batch.frames.shape[1:3]
        expected = (self._info.height, self._info.width)
        if batch.pixel_format.startswith("i420"):
            expected = (self._info.height * 3 // 2, self._info.width)
        if (height, width) != expected:
            raise ValueError(f"a frame of {width}x{height} for a video of {self._info.width}x{self._info.height}")
        if self._process is None:
            self._input_format = batch.pixel_format
            arguments = argv.encode_arguments(
                self._info,
                self._codec,
                self._target,
                crf=self._options.crf,
                preset=self._options.preset,
                pixel_format=self._options.pixel_format,
                input_format=batch.pixel_format,
                alpha=alpha is not None,
                threads=self._options.threads,
            )
            self._process = Process(arguments, write=True)
        if batch.pixel_format != self._input_format:
            raise ValueError(f"{batch.pixel_format} frames after {self._input_format} frames")
        frames = batch.frames
        if self._info.color.is_hdr and batch.alpha is not None:
            frames = hdr.restored(frames, batch.alpha)
        if alpha is not None:
            frames = np.concatenate([frames, alpha[..., None]], axis=3)
        self._process.write(np.ascontiguousarray(frames))
        self.times.extend(float(t) for t in batch.pts)

    def close(self) -> None:
        """Waits until everything is written.

        Raises:
            OutputError: if ffmpeg failed.
        """
        if self._process is not None:
            self._process.close()

    def kill(self) -> None:
        """Ends ffmpeg at once. May be called twice."""
        if self._process is not None:
            self._process.kill()
