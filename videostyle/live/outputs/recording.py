"""Records the painted picture into a file."""

from __future__ import annotations

import logging
from pathlib import Path

import av
from av.error import FFmpegError

from videostyle.errors import OutputError, UsageError
from videostyle.live.frame import LiveFrame
from videostyle.live.outputs.encoder import Encoder
from videostyle.media.atomic import PendingOutput, disk_error
from videostyle.media.provenance import Painted, embed
from videostyle.media.writers.streams import MUXERS

log = logging.getLogger("videostyle")


class Recording:
    """Records frames at the times of their capture.

    While it runs, fragments are written to ``NAME.recording.mp4`` beside the final file. If the program is killed,
    that file plays up to about its last second. At the end its packets are copied, not encoded again, into a file
    with an index under the final name. The remains of a killed recording are never overwritten: the next one is
    written to ``NAME.recording-2.mp4``.

    Args:
        path: the final file, .mp4, .mov or .mkv.
        overwrite: whether an existing file may be replaced.
        painted: provenance to store in the file; None = none.
        sources: input files, none of which may be overwritten.

    Attributes:
        path: the final file, absolute.
        running: the file that is written while it runs.

    Raises:
        UsageError: if the suffix is not one of the three.
        OutputError: if the file exists, is an input, or cannot be created.
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
        """Creates the running file.

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
            raise OutputError(f"cannot record to '{self.path}'", str(error), hint="choose another place") from error

    def _running_name(self, number: int) -> Path:
        """``NAME.recording.mp4`` and, from the second on, ``NAME.recording-2.mp4``."""
        mark = f"-{number}" if number > 1 else ""
        return self.path.with_name(f"{self.path.stem}.recording{mark}{self.path.suffix}")

    def _create(self) -> Path:
        """Creates an empty running file under the first free name."""
        number = 1
        while True:
            name = self._running_name(number)
            try:
                name.open("xb").close()
            except FileExistsError:
                log.warning("'%s' is left of an unfinished recording and is kept", name)
                number += 1
            else:
                return name

    def write(self, frame: LiveFrame) -> None:
        """Writes a frame.

        Raises:
            OutputError: if the disk refuses it.
        """
        if self._encoder is None:
            raise ValueError("write() was called before open()")
        try:
            self._encoder.write(frame)
        except OSError as error:
            raise disk_error(self.path, error) from error
        self._frames += 1

    def close(self) -> None:
        """Writes the final file and removes the running one; a recording without frames leaves no file.

        Raises:
            OutputError: if the final file cannot be written; the running one is kept.
        """
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
            hint = f"'{self.running.name}' holds the recording and can be played" if self.running.is_file() else ""
            raise OutputError(f"'{self.path}' was not finished", str(error), hint) from error
