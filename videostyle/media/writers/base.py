"""What all writers of frames share: how to encode, and when the output is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from videostyle.errors import UsageError
from videostyle.frames import FrameBatch


@dataclass(frozen=True)
class EncodeOptions:
    """How a sink writes.

    Attributes:
        codec: a name of ``ffmpeg.CODECS``, or "png" for a sequence; None = the usual one for the suffix.
        crf: constant quality on the codec's own scale.
        preset: the encoder's own words.
        pixel_format: stored pixel format.
        audio: whether sound (and subtitles) are copied.
        overwrite: whether an existing output may be replaced.
        threads: threads of the encoder; None leaves it to the encoder.
    """

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None
    pixel_format: str | None = None
    audio: bool = True
    overwrite: bool = False
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.crf is not None and not 0 <= self.crf <= 63:
            raise UsageError(f"--crf {self.crf} is out of range", hint="give 0 to 63")


class FrameWriter(Protocol):
    """Takes batches in order; the output is there after ``close`` and only then."""

    warnings: list[str]

    def write(self, batch: FrameBatch) -> None:
        """Takes one batch."""

    def close(self) -> Path:
        """Finishes, verifies and names the output."""

    def abort(self) -> None:
        """Leaves nothing behind. May be called twice, and after ``close``."""
