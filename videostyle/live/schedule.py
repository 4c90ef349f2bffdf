"""Carries out a timeline while frames are painted: key frames, and a curve that multiplies the strength."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from videostyle.errors import SettingError
from videostyle.processors.curve import SETTING as STRENGTH_FROM
from videostyle.processors.curve import SOUND, Curve, check_curve
from videostyle.processors.registry import Choice
from videostyle.processors.timeline import SETTING, KeyFrame, Track, snapped

if TYPE_CHECKING:
    from videostyle.live.painter import LivePainter

STEP = 0.2  # seconds; a curve is followed in straight lines at least as long, as each one costs a measurement


@dataclass(frozen=True)
class _Event:
    """A change of the painting that begins at a time and takes some seconds."""

    at: float
    ease: float
    curve: str
    style: str | None = None
    strength: float | None = None
    canvas: float | None = None


class Schedule:
    """A timeline that is carried out frame by frame. Keys may change the painting between its key frames.

    Args:
        painter: what it changes.
        frames: key frames, in any order.
        rate: frames a second, by which numbers of frames are counted.
        strength: at the beginning.
        curve: by which the strength is multiplied; None = 1.
        styles: names of the painter's styles.
        choices: processors of the chain, whose options may change.
    """

    def __init__(
        self,
        painter: LivePainter,
        frames: Sequence[KeyFrame],
        rate: float,
        strength: float,
        curve: Curve | None,
        styles: Sequence[str],
        choices: Sequence[Choice],
    ) -> None:
        self._painter = painter
        self._numbers = {name: number for number, name in enumerate(styles)}
        self._options: dict[tuple[str, str], Track] = {}
        own = {choice.name: choice.options for choice in choices}
        level = Track(strength)
        events: list[_Event] = []
        for frame in snapped(frames, (), rate):
            at = frame.at.seconds or 0.0
            for name, value in (frame.options or {}).items():
                processor, _, option = name.partition(".")
                key = processor, option.replace("-", "_")
                track = self._options.setdefault(key, Track(float(own[processor][key[1]])))
                track.change(at, value, frame.ease, frame.curve)
            if frame.strength is not None:
                level.change(at, frame.strength, frame.ease, frame.curve)
            # With a curve the strength is followed as a whole, below.
            at_once = frame.strength if curve is None else None
            if frame.style is not None or at_once is not None or frame.canvas is not None:
                events.append(_Event(at, frame.ease, frame.curve, frame.style, at_once, frame.canvas))
        if curve is not None:
            events += _followed(level, curve)
        self._left = sorted(events, key=lambda event: event.at)

    def __call__(self, time: float, now: float) -> None:
        """Begins the changes that are due.

        Args:
            time: seconds from the first frame.
            now: the same time on the painter's clock.
        """
        while self._left and self._left[0].at <= time + 1e-9:
            event = self._left.pop(0)
            index = None if event.style is None else self._numbers[event.style]
            left = max(0.0, event.at + event.ease - time)
            self._painter.change(now, left, event.curve, index=index, strength=event.strength, canvas=event.canvas)

    def options_at(self, time: float) -> dict[str, dict[str, float]]:
        """The options that change, by the name of the processor, at a time in seconds from the first frame."""
        found: dict[str, dict[str, float]] = {}
        for (processor, option), track in self._options.items():
            found.setdefault(processor, {})[option] = float(track.value(time))
        return found


def _followed(level: Track, curve: Curve) -> list[_Event]:
    """The changes of strength that follow a curve, from each of its times to the next."""
    ends = {float(time) for time in curve.times} | {change.at for change in level.changes}
    ends |= {change.at + change.ease for change in level.changes}
    times = [0.0]
    for time in sorted(ends):
        if time - times[-1] >= STEP:
            times.append(time)

    def at(time: float) -> float:
        return float(level.value(time)) * curve(time)

    steps = [_Event(one, other - one, "linear", strength=at(other)) for one, other in pairwise(times)]
    return [_Event(0.0, 0.0, "linear", strength=at(0.0)), *steps]


def check_schedule(frames: Sequence[KeyFrame], strength_from: str | None, choices: Sequence[Choice]) -> None:
    """Makes sure that a timeline can be carried out live.

    Raises:
        SettingError: if it cannot: it needs what is yet to come, or an option of a processor that is not in the chain.
        InputError: if the file of the curve cannot be read.
    """
    if strength_from == SOUND:
        why = "live, the sound that is yet to come is not known"
        raise SettingError(STRENGTH_FROM, why, "give a .csv file of times and values")
    check_curve(strength_from)
    if any(frame.snap for frame in frames):
        why = "live, a key frame cannot snap to a cut that is yet to come"
        raise SettingError(SETTING, why, "leave snap out")
    names: Mapping[str, Any] = {choice.name: choice for choice in choices}
    for name in (name for frame in frames for name in frame.options or {}):
        if (processor := name.partition(".")[0]) not in names:
            hint = f"add `processors` {processor}"
            raise SettingError(SETTING, f"'{processor}' of '{name}' is not in the chain", hint)
