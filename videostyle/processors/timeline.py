"""A timeline: how style, strength, canvas and options of processors change along a clip, as a user writes it.

``KeyFrame`` is one change, ``Track`` one value along time. ``rendering.frame_timeline`` computes from them with what
each frame is painted, ``live.schedule`` carries them out while frames are painted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from videostyle.errors import SettingError, UsageError, suggestion
from videostyle.media.timecode import TimePoint, parse_time
from videostyle.processors.options import listed, range_of
from videostyle.processors.registry import find
from videostyle.styles.resolve import is_picture, parse_mix, plain_spec

SETTING = "timeline"
CURVES = ("smooth", "linear", "in", "out")
WORDS = ("at", "ease", "curve", "snap", "style", "strength", "canvas")  # keys of a key frame
SOFT = 0.1  # part of a smooth change, at each end, in which it gets faster or slower
SNAP = 1.0  # seconds; a key frame snaps to no cut that is farther away
LONGEST_EASE = 3600.0  # seconds

Shares = Mapping[str, float]  # full name of a style -> share; they sum to 1


@dataclass(frozen=True)
class KeyFrame:
    """A change that begins at a time.

    Attributes:
        at: when, from the beginning of the clip.
        ease: how long it takes, seconds; 0 = at once.
        curve: "smooth" (soft at both ends), "linear", "in" (soft at the beginning), "out" (soft at the end).
        snap: whether it is moved to the nearest cut, if that is at most ``SNAP`` away.
        style: what to change to; None = it stays.
        strength: likewise, 0..1.
        canvas: likewise, 0..1.
        options: likewise, numbers by "PROCESSOR.OPTION".
    """

    at: TimePoint
    ease: float = 0.0
    curve: str = "smooth"
    snap: bool = False
    style: str | None = None
    strength: float | None = None
    canvas: float | None = None
    options: Mapping[str, float] | None = None

    def values(self) -> dict[str, Any]:
        """As JSON: what ``key_frame_from`` takes again."""
        at = f"{self.at.frame}f" if self.at.frame is not None else self.at.seconds
        plain = {"ease": self.ease, "curve": self.curve, "snap": self.snap}
        changed = {"style": self.style, "strength": self.strength, "canvas": self.canvas, **(self.options or {})}
        return {"at": at, **plain, **{name: value for name, value in changed.items() if value is not None}}


def key_frame_from(value: Any) -> KeyFrame:
    """A key frame from what a user wrote.

    Args:
        value: "12.5s style=starry-night ease=2s" as on the command line, or the same as a list of words;
            {"at": 12.5, "style": "starry-night", "ease": 2} as in a job file; or a key frame.

    Raises:
        SettingError: if it cannot be read, or says what cannot be.
    """
    if isinstance(value, KeyFrame):
        return value
    if isinstance(value, str):
        value = value.split()
    if isinstance(value, Sequence) and value and all(isinstance(word, str) for word in value):
        pairs = [word.partition("=") for word in value[1:]]
        if wrong := next((word for (_, equals, _), word in zip(pairs, value[1:], strict=True) if not equals), None):
            raise SettingError(SETTING, f"cannot read '{wrong}'", "as in: 12.5s style=starry-night ease=2s")
        value = {"at": value[0], **{name: text for name, _, text in pairs}}
    if not isinstance(value, Mapping) or "at" not in value:
        raise SettingError(SETTING, f"cannot use {value!r}", "as in: 12.5s style=starry-night ease=2s")
    options = {}
    for name in value:
        if "." in name:
            options[name] = _option(name, value[name])
        elif name not in WORDS:
            raise SettingError(SETTING, f"a key frame has no '{name}'", suggestion(name, (*WORDS, "PROCESSOR.OPTION")))
    found = KeyFrame(
        _time(value["at"]),
        _seconds("ease", value.get("ease", 0.0)),
        str(value.get("curve", "smooth")),
        str(value.get("snap", False)).lower() in ("true", "yes", "1"),
        _style(value["style"]) if "style" in value else None,
        _number("strength", value["strength"]) if "strength" in value else None,
        _number("canvas", value["canvas"]) if "canvas" in value else None,
        options or None,
    )
    if found.curve not in CURVES:
        raise SettingError(SETTING, f"no curve '{found.curve}'", f"use {', '.join(CURVES)}")
    if found.style is None and found.strength is None and found.canvas is None and not options:
        raise SettingError(
            SETTING, "a key frame changes nothing", "give it style=, strength=, canvas= or sharpen.amount="
        )
    return found


def timeline_from(values: Any) -> tuple[KeyFrame, ...]:
    """Key frames from what a user wrote: a list, or one.

    Raises:
        SettingError: as ``key_frame_from`` does.
    """
    return tuple(map(key_frame_from, listed(values)))


def _time(value: Any) -> TimePoint:
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and re.fullmatch(r"[\d.]+s", text):
        text = text[:-1]
    try:
        return parse_time(text)
    except UsageError as error:
        raise SettingError(SETTING, error.what, error.hint) from error


def _seconds(name: str, value: Any) -> float:
    seconds = _time(value).seconds
    if seconds is None or seconds > LONGEST_EASE:
        raise SettingError(SETTING, f"{name} cannot be '{value}'", "give seconds, as 2s")
    return seconds


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0.0 <= number <= 1.0:
        raise SettingError(SETTING, f"{name} cannot be '{value}'", "give 0 to 1")
    return number


def _style(value: Any) -> str:
    if not isinstance(value, str) or is_picture(value):
        why = f"cannot change to the style {value!r}"
        raise SettingError(SETTING, why, "give a name, a style file or a mix; learn pictures first with train")
    try:
        name, strength = plain_spec(value)
    except UsageError as error:
        raise SettingError(SETTING, error.what, error.hint) from error
    if strength != 1.0:
        raise SettingError(SETTING, f"'{value}' holds a strength", f"give style={name} strength={strength:g}")
    return name


def _option(name: str, value: Any) -> float:
    """The value of an option of a processor, named "sharpen.amount"."""
    processor, _, option = name.partition(".")
    option = option.replace("-", "_")
    schema = find(processor).load().schema
    numbers = [key for key, what in schema.model_json_schema()["properties"].items() if what.get("type") == "number"]
    if option not in numbers:
        raise SettingError(SETTING, f"'{processor}' has no number '{option}'", suggestion(option, numbers))
    try:
        return float(getattr(schema.model_validate_strings({option: str(value)}), option))
    except ValueError as error:
        raise SettingError(SETTING, f"{name} cannot be '{value}'", f"give {range_of(schema, option)}") from error


# -- values along time ------------------------------------------------------------------------------------------------


def eased(curve: str, progress: float) -> float:
    """How much of a change is done, 0..1, after a part of its time, 0..1.

    The steepest part of "smooth" is 1.11 times as steep as the mean, of "in" and "out" 1.05 times.
    """
    x = min(1.0, max(0.0, progress))
    soft_in, soft_out = SOFT * (curve in ("smooth", "in")), SOFT * (curve in ("smooth", "out"))
    steepest = 1.0 / (1.0 - (soft_in + soft_out) / 2)
    if x < soft_in:
        return steepest * x * x / (2 * soft_in)
    if x > 1.0 - soft_out:
        return 1.0 - steepest * (1.0 - x) ** 2 / (2 * soft_out)
    return steepest * (x - soft_in / 2)


@dataclass(frozen=True)
class Change:
    """One change of one value: from ``start`` to ``end`` in ``ease`` seconds from ``at`` on."""

    at: float
    ease: float
    curve: str
    start: Any
    end: Any

    def place(self, time: float) -> tuple[Any, Any, float]:
        """Start, end, and how much of the change is done at a time, 0..1."""
        share = 1.0 if self.ease <= 0 else eased(self.curve, (time - self.at) / self.ease)
        return self.start, self.end, share


class Track:
    """One value along time. A change that begins before another has ended goes on from where that is then.

    Args:
        start: the value at the beginning: a number, or ``Shares``.
    """

    def __init__(self, start: Any) -> None:
        self._start = start
        self.changes: list[Change] = []
        self._even: dict[int, tuple[Sequence[float], Sequence[float]]] = {}

    def change(self, at: float, end: Any, ease: float, curve: str) -> None:
        """Adds a change; they come in order of time."""
        self.changes.append(Change(at, ease, curve, self.value(at), end))

    def place(self, time: float) -> tuple[Any, Any, float]:
        """The two values that it lies between at a time, seconds from the beginning of the clip, and how far, 0..1."""
        numbers = (number for number in range(len(self.changes) - 1, -1, -1) if self.changes[number].at <= time + 1e-9)
        last = next(numbers, None)
        if last is None:
            return self._start, self._start, 0.0
        start, end, share = self.changes[last].place(time)
        if last in self._even:
            share = float(np.interp(share, *self._even[last]))
        return start, end, share

    def spread(self, number: int, shares: Sequence[float], seen: Sequence[float]) -> None:
        """Spreads a change so that what is seen of it grows evenly.

        Args:
            number: of the change.
            shares: of the change, rising from 0 to 1.
            seen: how much of it is seen at each of these, rising from 0 to 1.
        """
        self._even[number] = seen, shares

    def value(self, time: float) -> Any:
        """The value at a time, seconds from the beginning of the clip."""
        start, end, share = self.place(time)
        if not isinstance(start, Mapping):
            return (1 - share) * start + share * end
        names = dict.fromkeys((*start, *end))
        mixed = {name: (1 - share) * start.get(name, 0.0) + share * end.get(name, 0.0) for name in names}
        return {name: part for name, part in mixed.items() if part > 0}

    @property
    def rests(self) -> list[Any]:
        """The values at which it stays for a while."""
        return [self._start, *(change.end for change in self.changes)]


def shares_of(spec: str) -> dict[str, float]:
    """Full names of the styles of a mix, with shares that sum to 1."""
    parts = parse_mix(spec)
    total = sum(share for _, share in parts)
    return {name: share / total for name, share in parts}


def snapped(frames: Sequence[KeyFrame], cuts: Sequence[float], rate: float) -> list[KeyFrame]:
    """Key frames in order of time, all in seconds, those that snap moved to the nearest cut.

    Args:
        frames: as the user wrote them.
        cuts: seconds from the beginning of the clip.
        rate: frames a second, by which numbers of frames are counted.
    """
    found = []
    for frame in frames:
        # Half a frame earlier, so that rounded times make no difference.
        at = frame.at.seconds or 0.0
        if frame.at.frame is not None:
            at = max(0.0, (frame.at.frame - 0.5) / rate)
        if frame.snap and cuts:
            nearest = cuts[int(np.argmin(np.abs(np.asarray(cuts) - at)))]
            at = nearest if abs(nearest - at) <= SNAP else at
        found.append(replace(frame, at=TimePoint(seconds=at)))
    return sorted(found, key=lambda frame: frame.at.seconds or 0.0)
