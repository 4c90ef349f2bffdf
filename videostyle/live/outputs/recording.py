"""A recording of what is painted live, and the encoder that it shares with streams."""

from __future__ import annotations

import contextlib
import logging
from itertools import count
from pathlib import Path

import av
from av.error import FFmpegError

from videostyle.errors import OutputError, UsageError
from videostyle.live.frame import LiveFrame
from videostyle.live.outputs.encoder import Encoder
from videostyle.media.atomic import PendingOutput, disk_error
from videostyle.media.provenance import Painted, embed
from videostyle.media.writers.mux import MUXERS

log = logging.getLogger("videostyle")


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
