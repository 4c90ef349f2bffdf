"""The H.264 encoder that recordings and network streams share."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np

from videostyle.live.frame import LiveFrame

CLOCK = Fraction(1, 90_000)  # seconds; time base of the stream


class Encoder:
    """Encodes frames as H.264 (BT.709, limited range, 4:2:0), each at the time of its capture.

    Args:
        target: a file name, or an object with ``write``.
        container: PyAV's name of the container, such as "mp4".
        options: options of the container.
        width: of the frames, pixels; the last column of an odd width is cut off, as 4:2:0 needs even sizes.
        height: of the frames, pixels; the last row of an odd height is cut off.
        fps: expected rate, frames/s. There is a key frame about every second.

    Raises:
        av.error.FFmpegError: if the target cannot be opened.
    """

    def __init__(
        self, target: Any, container: str, options: dict[str, str], width: int, height: int, fps: float
    ) -> None:
        self._container = av.open(target, "w", format=container, options=options, timeout=(5.0, 5.0))
        # Typed as Any: PyAV derives the stream's class from the name of the codec.
        stream: Any = self._container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = width - width % 2, height - height % 2, "yuv420p"
        stream.time_base = stream.codec_context.time_base = CLOCK
        stream.codec_context.gop_size = max(1, round(fps))
        context = stream.codec_context
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = 1, 1, 1, 1  # BT.709
        stream.options = {"preset": "veryfast", "tune": "zerolatency", "crf": "20"}
        self._stream, self._last = stream, -1
        self._first: float | None = None

    def write(self, frame: LiveFrame) -> None:
        """Encodes a frame; its time in the stream counts from the capture of the first one."""
        picture = np.ascontiguousarray(frame.picture[: self._stream.height, : self._stream.width])
        self._first = frame.captured if self._first is None else self._first
        tick = max(self._last + 1, round((frame.captured - self._first) / CLOCK))
        self._last = tick
        image = av.VideoFrame.from_ndarray(picture, format="rgb24")
        image = image.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        image.pts, image.time_base = tick, CLOCK
        for packet in self._stream.encode(image):
            self._container.mux(packet)

    def close(self) -> None:
        """Encodes the frames that the codec has held back, and ends the container."""
        try:
            for packet in self._stream.encode(None):
                self._container.mux(packet)
        finally:
            self._container.close()
