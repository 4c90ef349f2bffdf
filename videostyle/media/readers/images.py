"""Reads pictures: stills, folders of pictures and numbered sequences."""

from __future__ import annotations

import fnmatch
import itertools
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from videostyle.errors import InputError
from videostyle.frames import AnyArray, ColorInfo, VideoInfo, to_bytes, to_words
from videostyle.media.packets import SAME_TIME
from videostyle.media.picture_metadata import Metadata
from videostyle.media.readers.base import SEQUENCE_RATE, FrameReader, Input, ReadOptions
from videostyle.media.readers.pictures import PICTURES, load_picture
from videostyle.media.readers.timing import Frame


def look_at_images(path: Path, files: Sequence[Path], *, still: bool = False) -> Input:
    """Makes an input of pictures; reads the first one for its size.

    Args:
        path: the still, the folder or the pattern.
        files: the pictures, in order.
        still: whether it is one picture and not a video.

    Raises:
        InputError: if the first picture cannot be read.
    """
    first = load_picture(files[0], deep=True)
    info = VideoInfo(
        width=first.pixels.shape[1],
        height=first.pixels.shape[0],
        has_alpha=first.alpha is not None,
        bit_depth=8 * first.pixels.dtype.itemsize,
        frame_count=len(files),
        still=still,
        # Pictures are RGB. A video made of them gets the colours that players assume.
        color=ColorInfo("bt709", "bt709", "bt709", False),
    )
    return Input(path, tuple(files), _at_rate(info, SEQUENCE_RATE), metadata=Metadata(first.exif, first.icc))


def _at_rate(info: VideoInfo, rate: Fraction) -> VideoInfo:
    return replace(info, fps=rate, time_base=1 / rate, duration=float((info.frame_count or 1) / rate))


class ImageReader(FrameReader):
    """Reads pictures as frames: one still, or files in order at the rate of the options.

    Args:
        source: pictures (``look_at_images``).
        options: how to read them.
    """

    def __init__(self, source: Input, options: ReadOptions) -> None:
        self._rate, self._begin = options.frame_rate or SEQUENCE_RATE, 0
        super().__init__(source, _at_rate(source.info, self._rate), options, None)
        numbers = numbers_of(self.files)
        missing = missing_numbers(numbers)
        if missing and options.strict:
            raise InputError(f"'{source.path}': {missing}", hint="leave `strict` out to paint what there is")
        self.warnings += [missing] if missing else []
        times = [number / self._rate for number in range(len(self.files))]
        chosen = [
            index
            for index in range(len(self.files))
            if (options.start is None or options.start.reached(float(times[index]), index))
            and not (options.end is not None and options.end.reached(float(times[index]), index))
        ]
        self.numbers = tuple(numbers[index] for index in chosen) if numbers else ()
        self.pictures = tuple(self.files[index] for index in chosen)

    def _first_time(self) -> float:
        return 0.0

    def _time_of(self, number: int) -> float:
        return float(number / self._rate)

    def _seek(self, time: float) -> bool:
        self._begin = max(0, math.floor(time * self._rate + SAME_TIME))
        return True

    def _rewind(self) -> None:
        self._begin = 0

    def _frames(self) -> Iterator[Frame]:
        size = (self._native.height, self._native.width)
        for number, file in enumerate(self.files[self._begin :], self._begin):
            if self._closed:
                return
            picture = self._read(file)
            if picture.shape[:2] != size:
                raise InputError(
                    f"'{file}' is {picture.shape[1]}x{picture.shape[0]}",
                    f"the first picture is {size[1]}x{size[0]}",
                    hint="give those of a sequence the same size; 'videostyle batch FOLDER' paints each by itself",
                )
            yield picture, float(number / self._rate)

    def _read(self, file: Path) -> AnyArray:
        """A picture with or without its alpha, as the options ask for it."""
        picture = load_picture(file, deep=self.deep)
        # One picture of a sequence may have fewer bits than the others.
        convert = to_words if self.deep else to_bytes
        if not self.with_alpha:
            return convert(picture.on_white())
        opaque = np.full_like(picture.pixels[..., 0], np.iinfo(picture.pixels.dtype).max)
        return convert(np.dstack([picture.pixels, opaque if picture.alpha is None else picture.alpha]))


def numbers_of(files: Sequence[Path]) -> tuple[int, ...]:
    """The numbers in the names of numbered pictures, rising; () where they are not numbered, or there is one only.

    The last number of a name counts: it is 7 in ``take2_0007.png``. All names must be alike but for it.
    """
    found = [re.fullmatch(r"(.*?)(\d{1,15})(\D*)", file.name) for file in files]
    parts = [match.groups() for match in found if match is not None]
    numbers = tuple(int(number) for _, number, _ in parts)
    alike = len(parts) == len(files) > 1 and len({(head, tail) for head, _, tail in parts}) == 1
    return numbers if alike and all(a < b for a, b in itertools.pairwise(numbers)) else ()


def missing_numbers(numbers: Sequence[int]) -> str:
    """A message about gaps in the numbers of a sequence; "" if there are none."""
    gaps = [(a + 1, b - 1) for a, b in itertools.pairwise(numbers) if b - a > 1]
    if not gaps:
        return ""
    shown = ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in gaps[:5]) + (", ..." if len(gaps) > 5 else "")
    count = sum(b - a + 1 for a, b in gaps)
    return f"{count} picture{'s are' if count > 1 else ' is'} missing: number {shown}"


def _natural(path: Path) -> list[Any]:
    """A key that sorts frame2 before frame10."""
    return [int(part) if part.isdigit() else part.lower() for part in re.split(r"(\d+)", path.name)]


def _numbered_names(path: Path) -> re.Pattern[str] | None:
    """A regular expression for the file names of a printf-style pattern, its number in a group; None if it is none."""
    match = re.fullmatch(r"(.*)%0?(\d*)d(.*)", path.name)
    if match is None:
        return None
    digits = rf"\d{{{match[2]},}}" if match[2] else r"\d+"
    return re.compile(re.escape(match[1]) + f"({digits})" + re.escape(match[3]))


def _entries(folder: Path) -> list[Path]:
    """The files of a folder.

    Raises:
        InputError: if it cannot be listed.
    """
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise InputError(
            f"cannot read the folder '{folder}'",
            error.strerror or str(error),
            hint="check the path, and whether this user may read it",
        ) from error


def is_picture(file: Path) -> bool:
    """Whether a file is a picture by its name; hidden ones (``._0001.png`` of macOS) belong to other programs."""
    return file.suffix.lower() in PICTURES and not file.name.startswith(".")


def in_sequence(path: Path, file: Path) -> bool:
    """Whether a file of that name would belong to a folder of pictures or to a printf-style pattern.

    Args:
        path: the folder or the pattern.
        file: a file, which need not exist.
    """
    if os.path.isdir(path):
        return is_picture(file) and file.parent.resolve() == path.resolve()
    if os.path.exists(path) or file.parent.resolve() != path.parent.resolve():
        return False
    if is_wildcard(path):
        return is_picture(file) and fnmatch.fnmatch(file.name, path.name)
    pattern = _numbered_names(path)
    return pattern is not None and pattern.fullmatch(file.name) is not None


def is_wildcard(path: Path) -> bool:
    """Whether a path is a pattern for a shell (``*.png``) rather than a file; some shells do not expand these."""
    return any(character in path.name for character in "*?") and not os.path.exists(path)


def sequence_files(path: Path) -> list[Path] | None:
    """The pictures of a folder or of a pattern (``shot_%04d.png``, ``*.png``), in order; None if it is neither.

    Raises:
        InputError: if it is one of these, but there are no pictures.
    """
    if os.path.isdir(path):
        files = sorted((f for f in _entries(path) if is_picture(f) and f.is_file()), key=_natural)
        if not files:
            raise InputError(f"the folder '{path}' holds no pictures", hint=f"looked for {', '.join(PICTURES)}")
        return files
    if is_wildcard(path):
        return _matching(path)
    pattern = _numbered_names(path)
    if pattern is None or os.path.exists(path):
        return None
    found = [
        (int(m[1]), f)
        for f in (_entries(path.parent) if os.path.isdir(path.parent) else ())
        if (m := pattern.fullmatch(f.name))
    ]
    if not found:
        raise InputError(f"no file matches '{path}'", hint="check the folder, and the digits of the pattern, as %04d")
    return [file for _, file in sorted(found)]


def _matching(path: Path) -> list[Path]:
    """The pictures that a shell's pattern matches, in order.

    Raises:
        InputError: if there are none, or something else beside them.
    """
    folder = _entries(path.parent) if os.path.isdir(path.parent) else []
    files = [f for f in folder if fnmatch.fnmatch(f.name, path.name) and not f.name.startswith(".") and f.is_file()]
    other = next((f for f in sorted(files) if not is_picture(f)), None)
    if not files or other is not None:
        why = f"'{other.name}' is no picture" if other is not None else "nothing matches it"
        raise InputError(f"'{path}' is no sequence of pictures", why, f"looked for {', '.join(PICTURES)}")
    return sorted(files, key=_natural)
