"""Writes chunks, and commits each when it is complete: streams of a video, or pictures of a sequence."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from videostyle.errors import InputError, OutputError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.media.atomic import disk_error
from videostyle.media.ffmpeg.codecs import codec_for
from videostyle.media.packets import stored_frames, stored_header
from videostyle.media.writers.encoder import StreamEncoder
from videostyle.media.writers.images import ImageWriter
from videostyle.rendering.chunk_store import (
    Conditions,
    check_header,
    commit_chunk,
    commit_pictures,
    part_path,
)
from videostyle.rendering.job_store import RESUME_HINT, Job
from videostyle.rendering.made_with import finished, provenance_of


class _ChunkWriter:
    """What writers of chunks share: the chunks that are still to be committed.

    Args:
        job: the job.
        info: description of the frames.
        numbers: the chunks, consecutive.
        conditions: returns how a chunk was painted; called when the chunk is complete.
    """

    def __init__(
        self,
        job: Job,
        info: VideoInfo,
        numbers: Sequence[int],
        conditions: Callable[[], Conditions],
    ) -> None:
        self.warnings: list[str] = []
        self._job, self._info, self._conditions = job, info, conditions
        self._numbers = list(numbers)

    def _check_complete(self) -> None:
        """Raises ``InputError`` if a chunk is not complete."""
        if self._numbers:
            raise InputError(
                f"'{self._job.input}' has fewer frames than when it was planned",
                f"chunk {self._numbers[0]} is not complete",
                "if the input was changed, render it under another name",
            )


class ChunkWriter(_ChunkWriter):
    """Writes consecutive chunks of a video, one encoder after the other, and commits each when it is complete.

    An encoder that has received all its frames finishes in another thread, while the next one starts.
    """

    def __init__(self, job: Job, info: VideoInfo, numbers: Sequence[int], conditions: Callable[[], Conditions]) -> None:
        super().__init__(job, info, numbers, conditions)
        self._codec = codec_for(job.settings.encode.codec, job.output.suffix)
        self._finisher = ThreadPoolExecutor(1, thread_name_prefix="finish")
        self._pending: Future[None] | None = None
        self._encoder: StreamEncoder | None = None
        self._left = 0
        self._parts: list[Path] = []

    def write(self, batch: FrameBatch) -> None:
        """Writes a batch, whose frames may belong to two chunks."""
        at = 0
        while at < len(batch):
            if self._encoder is None:
                if not self._numbers:
                    raise OutputError(
                        f"'{self._job.input}' has more frames than when it was planned",
                        hint="the input has changed: use `restart`",
                    )
                number = self._numbers[0]
                part = part_path(self._job.folder, number)
                self._parts.append(part)
                self._encoder = StreamEncoder(part, self._info, self._codec, self._job.settings.encode)
                self._left = self._job.plan.chunks[number][1]
            count = min(self._left, len(batch) - at)
            self._encoder.write(batch.part(at, at + count))
            at += count
            self._left -= count
            if not self._left:
                self._wait()
                self._pending = self._finisher.submit(self._finish, self._numbers.pop(0), self._encoder)
                self._encoder = None

    def _wait(self) -> None:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.result()

    def _finish(self, number: int, encoder: StreamEncoder) -> None:
        """Finishes, checks and commits a chunk."""
        part, frames = part_path(self._job.folder, number), self._job.plan.chunks[number][1]
        with _disk_errors(self._job):
            encoder.close()
            written = stored_frames(part)
            if written != frames:
                raise OutputError(
                    f"chunk {number} cannot be finished",
                    f"{written} of {frames} frames were encoded",
                    RESUME_HINT,
                )
            header = hashlib.sha256(stored_header(part)).hexdigest()
            check_header(self._job, number, header)
            commit_chunk(self._job, number, part, replace(self._conditions(), header=header))

    def close(self) -> Path:
        """Waits for the last chunk.

        Raises:
            InputError: if a chunk is not complete.
        """
        try:
            self._wait()
            self._check_complete()
        finally:
            self.abort()
        return self._job.folder

    def abort(self) -> None:
        """Ends the encoder and removes what is not committed."""
        if self._encoder is not None:
            self._encoder.kill()
        self._finisher.shutdown(wait=True)
        for part in self._parts:
            part.unlink(missing_ok=True)


class PictureChunkWriter(_ChunkWriter):
    """Writes the pictures of consecutive chunks of a sequence to their final names, and records complete chunks.

    Args:
        job: as in ``ChunkWriter``.
        info: as there.
        numbers: as there.
        conditions: as there.
        pictures: of the whole input, the file of each frame, whose EXIF is kept; () = there are none.
    """

    def __init__(
        self,
        job: Job,
        info: VideoInfo,
        numbers: Sequence[int],
        conditions: Callable[[], Conditions],
        pictures: Sequence[Path] = (),
    ) -> None:
        super().__init__(job, info, numbers, conditions)
        mark = provenance_of(job.style, job.settings).xmp()
        options = replace(job.settings.encode, overwrite=True)  # pictures of an unfinished chunk are painted again
        self._writer = ImageWriter(
            Path(job.pictures),
            info,
            options,
            lambda file, frame: finished(file, mark, pictures[frame : frame + 1]),
            numbers=job.numbers,
        )
        self.warnings = self._writer.warnings

    def write(self, batch: FrameBatch) -> None:
        """Writes a batch, whose frames may belong to two chunks."""
        self._writer.write(batch)
        while self._numbers and batch.index + len(batch) >= sum(self._job.plan.chunks[self._numbers[0]]):
            number = self._numbers.pop(0)
            with _disk_errors(self._job):
                commit_pictures(self._job, number, self._conditions())

    def close(self) -> Path:
        """Checks that all chunks are complete.

        Raises:
            InputError: if one is not complete.
        """
        self._check_complete()
        return self._job.folder

    def abort(self) -> None:
        """Does nothing: written pictures are complete, and a chunk without a record is painted again."""


@contextmanager
def _disk_errors(job: Job) -> Iterator[None]:
    """Turns an ``OSError`` in the block into an error with a hint for the user."""
    try:
        yield
    except OSError as error:
        raise disk_error(job.output, error) from error
