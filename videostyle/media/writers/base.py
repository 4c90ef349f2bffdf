"""What all writers of frames share: their options and their methods."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from videostyle.errors import SettingError
from videostyle.frames import FrameBatch


@dataclass(frozen=True)
class EncodeOptions:
    """How an output is written.

    Attributes:
        codec: a name of ``codecs.CODECS``, or "png" for a sequence of pictures; None = the default for the suffix.
        crf: constant quality on the scale of the codec, 0 is best; None = its default.
        preset: speed against size, one of the codec's presets, or ``codecs.DRAFT``; None = its default.
        pixel_format: stored pixel format, in ffmpeg's words; None = the codec's default.
        bit_depth: one of ``choices.BIT_DEPTHS``.
        audio: whether sound and subtitles are copied.
        overwrite: whether an existing output may be replaced.
        threads: threads of the encoder; None leaves the number to the encoder.

    Raises:
        SettingError: if a value is out of range.
    """

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None
    pixel_format: str | None = None
    bit_depth: str = "auto"
    audio: bool = True
    overwrite: bool = False
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.crf is not None and not 0 <= self.crf <= 63:
            raise SettingError("crf", f"{self.crf} is out of range", "give 0 to 63")


class FrameWriter(Protocol):
    """Writes batches in order. The file gets its name, complete, when ``close`` returns.

    Attributes:
        warnings: messages about what could not be kept.
    """

    warnings: list[str]

    def write(self, batch: FrameBatch) -> None:
        """Writes the next batch."""

    def close(self) -> Path:
        """Finishes, verifies and names the output, and returns its path."""

    def abort(self) -> None:
        """Removes what is not finished. May be called twice, and after ``close``."""
