"""Writes pictures: stills and numbered sequences."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from videostyle.errors import OutputError, SettingError, UsageError
from videostyle.frames import FrameBatch, UInt8Array, VideoInfo, on_white, to_bytes
from videostyle.media.atomic import PendingOutput, disk_error, short_name, write_whole
from videostyle.media.ffmpeg.codecs import DRAFT, SEQUENCE, WORST_PICTURE, picture_quality
from videostyle.media.locks import Lock
from videostyle.media.opencv import load_cv2
from videostyle.media.readers.pictures import WRITTEN
from videostyle.media.writers.base import EncodeOptions

LOSSY = (".jpg", ".jpeg", ".webp")
WITH_ALPHA = (".png", ".webp", ".tif", ".tiff")
WITH_DEEP = (".png", ".tif", ".tiff")
PLACE = re.compile(r"%0?\d*d")  # where a printf-style pattern has the number of a picture


def numbered(pattern: str | Path, number: int) -> Path:
    """The file of a picture of a sequence.

    Args:
        pattern: a printf-style pattern. Only its last place for a number is filled; other per cent signs are kept.
        number: of the picture.
    """
    text = str(pattern)
    place = list(PLACE.finditer(text))[-1]
    return Path(text[: place.start()] + place[0] % number + text[place.end() :])


def number_of(frame: int, numbers: Sequence[int]) -> int:
    """The number of a picture: that of its frame in ``numbers``, or the frame's own where there are none."""
    return numbers[frame] if numbers else frame


def check_picture_options(suffix: str, options: EncodeOptions) -> str:
    """A message about an option that has no effect on pictures of a kind; "" if all have an effect.

    Args:
        suffix: of the pictures, in lower case.
        options: how to write them.

    Raises:
        SettingError: if the quality is beyond the scale of JPEG and WebP.
    """
    if options.codec not in (None, SEQUENCE):
        return "`codec` does not apply to pictures"
    if options.preset not in (None, DRAFT):
        return "`preset` does not apply to pictures"
    if options.crf is not None and suffix not in LOSSY:
        return f"`crf` does not apply to {suffix} pictures, which are lossless"
    if options.crf is not None and options.crf > WORST_PICTURE:
        raise SettingError("crf", f"{options.crf} is beyond the scale of {suffix}", f"give 0 to {WORST_PICTURE}")
    if options.pixel_format is not None:
        return "`pix_fmt` does not apply to pictures"
    return ""


class ImageWriter:
    """Writes pictures: one still, or numbered files in a folder or by a printf-style pattern.

    A still appears when ``close`` returns. The pictures of a sequence appear one by one, each whole.

    Args:
        path: a picture file, a folder, or a pattern such as ``out_%05d.png``.
        info: what the frames are like.
        options: of these, ``overwrite`` and ``crf`` (``picture_quality``) are used.
        finish: called with each complete file, before it is named, and the number of its frame from 0.
        inputs: files none of which may be written.
        lock: keep other runs from writing the same sequence.
        numbers: of the pictures of a sequence, in order; () = 0, 1, 2...

    Attributes:
        warnings: options that have no effect.
        numbers: as given.

    Raises:
        UsageError: if there are no such pictures.
        OutputError: if the output cannot be created, or is written by another run.
    """

    def __init__(
        self,
        path: Path,
        info: VideoInfo,
        options: EncodeOptions,
        finish: Callable[[Path, int], object] | None = None,
        inputs: tuple[Path, ...] = (),
        *,
        lock: bool = False,
        numbers: Sequence[int] = (),
    ) -> None:
        self.warnings: list[str] = []
        self.numbers = tuple(numbers)
        self._finish = finish
        self._inputs = {(status.st_dev, status.st_ino) for status in map(os.stat, filter(os.path.exists, inputs))}
        self._options = options
        self._path = path
        self._written: list[Path] = []
        self._still = info.still
        self._lock: Lock | None = None
        pattern = PLACE.search(path.name)
        if self._still and not pattern and path.suffix.lower() in WRITTEN:
            self._pattern = ""
            self._pending: PendingOutput | None = PendingOutput(path, overwrite=options.overwrite, sources=inputs)
            return
        self._pending = None
        self._still = False
        folder = path.parent if pattern else path
        self._pattern = path.name if pattern else "%06d.png"
        if Path(self._pattern).suffix.lower() not in WRITTEN:
            raise UsageError(f"cannot write pictures as '{path.name}'", hint=f"use one of {', '.join(WRITTEN)}")
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if lock:
                self._lock = Lock(path.with_name(f".{short_name(path.name)}.videostyle.lock"))
        except BlockingIOError as error:
            raise OutputError(f"'{path}' is being written by another run", hint="wait for it or stop it") from error
        except OSError as error:
            raise disk_error(folder, error) from error

    @property
    def suffix(self) -> str:
        """Of the pictures, in lower case."""
        return (Path(self._pattern).suffix or self._path.suffix).lower()

    @property
    def holds_alpha(self) -> bool:
        """Whether the pictures have an alpha channel, if the frames have one."""
        return self.suffix in WITH_ALPHA

    @property
    def holds_deep(self) -> bool:
        """Whether the pictures have 16 bits, if the frames have more than 8."""
        return self.suffix in WITH_DEEP

    @property
    def in_parts(self) -> bool:
        """Whether parts of the output can be written separately (``assemble``)."""
        return self._pending is None

    @property
    def pattern(self) -> str:
        """The absolute path of a sequence as a printf-style pattern (``numbered``)."""
        return str(self._folder.absolute() / self._pattern)

    def vet(self, frames: int) -> None:
        """Checks that a number of pictures may be written, before the first one is.

        Raises:
            OutputError: if one is an input, or exists and may not be replaced.
        """
        for frame in range(frames):
            self._vet(self._place_of(frame))

    def _place_of(self, frame: int) -> Path:
        return numbered(self._folder / self._pattern, number_of(frame, self.numbers))

    def _vet(self, target: Path) -> None:
        if not os.path.exists(target):
            return
        status = target.stat()
        if (status.st_dev, status.st_ino) in self._inputs:
            raise OutputError(f"the output '{target}' is an input", hint="choose another folder or pattern")
        if not self._options.overwrite:
            raise OutputError(f"'{target}' exists already", hint="use `overwrite` to replace it")

    def assemble(self, parts: Sequence[Path], times: Sequence[float]) -> Path:
        """Finishes a sequence whose pictures are written already; returns its folder or pattern.

        Args:
            parts: not used, as the pictures have their final names.
            times: not used, as pictures have no times.
        """
        self.abort()
        return self._path

    def write(self, batch: FrameBatch) -> None:
        """Writes each frame of a batch.

        Raises:
            OutputError: if one cannot be written.
        """
        for index, frame in enumerate(batch.frames, batch.index):
            if not self.holds_deep:
                frame = to_bytes(frame)
            if batch.alpha is not None:
                alpha = batch.alpha[index - batch.index]
                alpha = alpha if frame.dtype == alpha.dtype else to_bytes(alpha)
                frame = np.dstack([frame, alpha]) if self.holds_alpha else on_white(frame, alpha)
            if self._pending is not None:
                if self._written:
                    why = "the input has more than one frame"
                    raise OutputError(f"'{self._path}' is one picture", why, "name NAME_%04d.png for all of them")
                self._encode(self._pending.temporary, frame, index)
                self._written.append(self._pending.temporary)
                continue
            target = self._place_of(index)
            self._vet(target)
            partial = target.with_name(f".{short_name(target.stem)}.part{target.suffix}")
            self._encode(partial, frame, index)
            try:
                os.replace(partial, target)
            except OSError as error:
                raise disk_error(target, error) from error
            self._written.append(target)

    def _encode(self, path: Path, frame: Any, number: int) -> None:
        cv2 = load_cv2()
        quality = 95 if self._options.crf is None else picture_quality(self._options.crf)
        flags = {".jpg": cv2.IMWRITE_JPEG_QUALITY, ".jpeg": cv2.IMWRITE_JPEG_QUALITY, ".webp": cv2.IMWRITE_WEBP_QUALITY}
        suffix = path.suffix.lower()
        order = cv2.COLOR_RGBA2BGRA if frame.shape[2] == 4 else cv2.COLOR_RGB2BGR
        ok, data = cv2.imencode(suffix, cv2.cvtColor(frame, order), [flags[suffix], quality] if suffix in flags else [])
        if not ok:
            raise OutputError(
                f"cannot write '{path}'", "the picture could not be encoded", hint="choose another suffix, such as .png"
            )
        try:
            path.write_bytes(data.tobytes())
            if self._finish is not None:
                self._finish(path, number)
        except OSError as error:
            raise disk_error(path, error) from error

    def close(self) -> Path:
        """Gives the still its name; the pictures of a sequence have theirs. Returns the output.

        Raises:
            OutputError: if there was no frame, or the still cannot be named.
        """
        if not self._written:
            self.abort()
            raise OutputError(
                f"nothing to write to '{self._path}'",
                "there was no frame",
                hint="check that the input holds frames, and `start` and `end`",
            )
        if self._pending is not None:
            return self._pending.commit()
        self.abort()
        return self._path

    def abort(self) -> None:
        """Removes a still that is not finished; the pictures of a sequence are kept. May be called twice."""
        if self._pending is not None:
            self._pending.abort()
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def write_png(path: Path, picture: UInt8Array) -> None:
    """Writes uint8 ``[H, W, 3]`` RGB as a PNG, whole or not at all.

    Raises:
        OutputError: if it cannot be written.
    """
    cv2 = load_cv2()
    try:
        ok, data = cv2.imencode(".png", picture[..., ::-1])
    except cv2.error:
        ok = False
    if not ok:
        size = f"{picture.shape[1]}x{picture.shape[0]}"
        raise OutputError(f"cannot write '{path}'", f"PNG takes no picture of {size}", "make the picture smaller")
    try:
        write_whole(path, data.tobytes())
    except OSError as error:
        raise disk_error(path, error) from error
