"""A recording of what is painted live, and the encoder that it shares with streams."""

from __future__ import annotations

import contextlib
import logging
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from videostyle.errors import OutputError, UsageError
from videostyle.live.outputs import LiveFrame
from videostyle.media.atomic import PendingOutput, disk_error
from videostyle.media.provenance import Painted, embed
from videostyle.media.writers.sink import MUXERS

log = logging.getLogger("videostyle")

CLOCK = Fraction(1, 90_000)


class Encoder:
    """H.264 with every frame's own time, into a container that PyAV writes.

    Args:
        target: a name, or an object with ``write``.
        container: format, as "mp4".
        options: of that format.
        width: of the frames; an odd one loses its last column.
        height: of the frames; an odd one loses its last row.
        fps: expected rate, frames/s; a key frame comes every second.
    """

    def __init__(
        self, target: Any, container: str, options: dict[str, str], width: int, height: int, fps: float
    ) -> None:
        self._container = av.open(target, "w", format=container, options=options, timeout=(5.0, 5.0))
        # The name of a stream's codec decides its class, which the types do not know.
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
        """Encodes a frame at the time of its capture."""
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
        """Writes what is still inside."""
        try:
            for packet in self._stream.encode(None):
                self._container.mux(packet)
        finally:
            self._container.close()


class Recording:
    """A recording with the times at which frames were captured.

    It is written in fragments beside its final name (``NAME.recording.mp4``), which plays up to the last second
    after a kill; on a proper end it is put in order, without encoding again, under the name asked for. What an
    earlier one that was broken off has left there is kept: the next one is ``NAME.recording-2.mp4``.

    Args:
        path: an .mp4, .mov or .mkv file.
        overwrite: whether it may be replaced.
        painted: what the file shall say of itself.
        sources: input files, none of which may be the recording.

    Raises:
        UsageError: if it is of another kind.
        OutputError: if it exists, is an input, or cannot be created there.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        painted: Painted | None = None,
        sources: tuple[Path, ...] = (),
    ) -> None:
        if Path(path).suffix.lower() not in (".mp4", ".mov", ".mkv"):
            raise UsageError(f"cannot record to '{path}'", hint="use .mp4, .mov or .mkv")
        self._pending = PendingOutput(path, overwrite=overwrite, sources=sources)
        self.path = self._pending.path
        self.running = self._running_name(1)
        self._painted = painted
        self._format = MUXERS[self.path.suffix.lower()]
        self._encoder: Encoder | None = None
        self._frames = 0

    def open(self, width: int, height: int, fps: float) -> None:
        """Begins the file.

        Raises:
            OutputError: if it cannot be written.
        """
        fragments = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
        options = fragments if self._format in ("mp4", "mov") else {}
        try:
            self.running = self._create()
            try:
                self._encoder = Encoder(f"file:{self.running}", self._format, options, width, height, fps)
            except BaseException:
                self.running.unlink(missing_ok=True)
                raise
        except (FFmpegError, OSError) as error:
            raise OutputError(f"cannot record to '{self.path}'", str(error)) from error

    def _running_name(self, number: int) -> Path:
        """``NAME.recording.mp4`` and, from the second on, ``NAME.recording-2.mp4``."""
        mark = f"-{number}" if number > 1 else ""
        return self.path.with_name(f"{self.path.stem}.recording{mark}{self.path.suffix}")

    def _create(self) -> Path:
        """Makes an empty file under the first free name: one that is there may be all that is left of a show."""
        for name in map(self._running_name, count(1)):
            with contextlib.suppress(FileExistsError):
                name.open("xb").close()
                return name
            log.warning("'%s', of a recording that was broken off, is kept", name)
        raise RuntimeError("there is always a free name")

    def write(self, frame: LiveFrame) -> None:
        """Takes a frame."""
        if self._encoder is None:
            raise ValueError("open() comes first")
        try:
            self._encoder.write(frame)
        except OSError as error:
            raise disk_error(self.path, error) from error
        self._frames += 1

    def close(self) -> None:
        """Puts the recording in order under its name."""
        encoder, self._encoder = self._encoder, None
        if encoder is None:
            self._pending.abort()
            return
        try:
            try:
                encoder.close()
            finally:
                if not self._frames:
                    self.running.unlink(missing_ok=True)
            if not self._frames:
                self._pending.abort()
                return
            with av.open(f"file:{self.running}") as source:
                options = {"movflags": "+faststart+use_metadata_tags"} if self._format in ("mp4", "mov") else {}
                with av.open(f"file:{self._pending.temporary}", "w", format=self._format, options=options) as target:
                    copy = target.add_stream_from_template(source.streams.video[0])
                    if self._painted is not None:
                        target.metadata.update(self._painted.tags())
                    for packet in source.demux(source.streams.video[0]):
                        if packet.dts is not None:
                            packet.stream = copy
                            target.mux(packet)
            if self._painted is not None:
                embed(self._pending.temporary, self._painted.xmp())
            self._pending.commit()
            self.running.unlink(missing_ok=True)
        except (FFmpegError, OSError) as error:
            self._pending.abort()
            hint = f"'{self.running.name}' plays" if self.running.is_file() else ""
            raise OutputError(f"'{self.path}' was not finished", str(error), hint) from error
