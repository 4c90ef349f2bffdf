"""A curve along time: from a CSV file, or the loudness of the clip's own sound."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from videostyle.errors import InputError, SettingError, UsageError
from videostyle.frames import Float32Array, Float64Array
from videostyle.media.readers.base import Input
from videostyle.media.timecode import parse_time

SOUND = "sound"  # what a user gives instead of a file
SETTING = "strength_from"
LARGEST = 16 << 20  # bytes of a CSV file


@dataclass(frozen=True)
class Curve:
    """Values, 0..1, at times in seconds from the beginning of a clip; straight lines between them."""

    times: Float64Array
    values: Float32Array

    def __call__(self, time: float) -> float:
        """The value at a time; before the first and after the last one it stays."""
        return float(np.interp(time, self.times, self.values))


def curve_of(spec: str | None, source: Input) -> Curve | None:
    """The curve that a user gave: a CSV file, or "sound"; None if none was given.

    Raises:
        InputError: if the file, or the sound, cannot be read.
    """
    if spec is None:
        return None
    if spec != SOUND:
        return read_curve(Path(spec))
    if source.media is None:
        raise InputError(f"'{source.path}' has no sound", hint="give a CSV of times and values instead")
    from videostyle.media.loudness import loudness

    times, values = loudness(source.path)
    return Curve(times - source.info.start, values)


def read_curve(path: Path) -> Curve:
    """Reads a CSV file: a time and a value, 0..1, in each row; a first row of words is left out.

    Raises:
        InputError: if it cannot be read; the message names the row.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"cannot read '{path}'", "it is too large for a curve", "give a row for each change only")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InputError(f"cannot read '{path}'", why, "give a text file of rows such as 12.5,0.8") from error
    lines = text.splitlines()
    separator = ";" if lines and ";" in lines[0] else "\t" if lines and "\t" in lines[0] else ","
    rows: list[tuple[float, float]] = []
    for number, row in enumerate(csv.reader(lines, delimiter=separator), 1):
        if not row or row[0].lstrip().startswith("#"):
            continue
        try:
            time, value = parse_time(row[0]).seconds, float(row[1])
        except (UsageError, ValueError, IndexError):
            if number == 1:
                continue
            time, value = None, -1.0
        if time is None or not 0.0 <= value <= 1.0:
            raise InputError(f"'{path}' row {number}", f"cannot use {separator.join(row)[:60]!r}", "as in 12.5,0.8")
        if rows and time < rows[-1][0]:
            raise InputError(f"'{path}' row {number}", "it is earlier than the row before", "sort the rows by time")
        rows.append((time, value))
    if not rows:
        raise InputError(f"'{path}' holds no times and values", hint="give rows such as 12.5,0.8")
    times, values = zip(*rows, strict=True)
    return Curve(np.array(times, np.float64), np.array(values, np.float32))


def curve_identity(spec: str | None) -> str:
    """What tells one curve from another: the content of the file, not its name.

    Raises:
        InputError: if it cannot be read.
    """
    if spec is None or spec == SOUND:
        return spec or ""
    try:
        return hashlib.sha256(Path(spec).read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"cannot read '{spec}'", error.strerror or str(error), "check the path") from error


def check_curve(spec: str | None) -> None:
    """Makes sure that a curve can be read, as far as that takes no time.

    Raises:
        InputError: if it cannot.
        SettingError: if it is no file, and not the sound.
    """
    if spec is None or spec == SOUND:
        return
    if Path(spec).suffix.lower() not in (".csv", ".tsv", ".txt"):
        raise SettingError(SETTING, f"cannot use '{spec}'", "give 'sound', or a .csv file of times and values")
    read_curve(Path(spec))
