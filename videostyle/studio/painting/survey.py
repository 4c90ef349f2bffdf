"""Surveys of clips: their shots, which frames of each are to be measured, and how the canvas moves.

A survey needs one pass over the clip and no network, and holds for every style. With it a preview is painted as a
render would, without planning the clip anew for each choice: only the shot that is looked at is measured.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from videostyle.frames import UInt8Array
from videostyle.media.readers.base import FrameReader, ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.motion.mesh_store import MeshTrack
from videostyle.motion.sampling import FramesToMeasure
from videostyle.rendering.canvas import CanvasFollower
from videostyle.rendering.shots import Shot, find_shots
from videostyle.studio.clips import Clip
from videostyle.studio.painting.background import Background, Count, Progress
from videostyle.studio.web.problems import as_json

YIELD = 0.02  # seconds that a survey waits at each frame while previews are painted


@dataclass(frozen=True)
class Section:
    """The frames of a section of a shot that are to be measured, by number, as ``FramesToMeasure`` has them."""

    chosen: list[int]
    gaps: list[list[int]]
    span: tuple[int, int]

    def to_measure(self, picture: Callable[[int], UInt8Array]) -> FramesToMeasure:
        """The section with its pictures."""
        return FramesToMeasure(self.chosen, self.gaps, picture, self.span)


@dataclass(frozen=True)
class Survey:
    """What is known of a clip.

    Attributes:
        shots: in order.
        times: of all frames, seconds on the clip's clock.
        meshes: position of the canvas at each frame.
        warnings: of the reader.
    """

    shots: list[Shot[Section]]
    times: list[float]
    meshes: MeshTrack
    warnings: tuple[str, ...]

    def shot_of(self, frame: int) -> Shot[Section]:
        """The shot that a frame belongs to."""
        return self.shots[max(0, bisect.bisect_right(self.shots, frame, key=lambda shot: shot.first) - 1)]


class _Yielding:
    """A reader that waits at each frame while previews are painted, so that they come first."""

    def __init__(self, reader: FrameReader, busy: Callable[[], bool]) -> None:
        self._reader, self._busy = reader, busy

    def raw_frames(self) -> Iterator[tuple[UInt8Array, float]]:
        for frame in self._reader.raw_frames():
            if self._busy():
                time.sleep(YIELD)
            yield frame

    def delivered(self, picture: UInt8Array) -> UInt8Array:
        return picture  # only numbers of frames are kept


class Surveys:
    """Makes surveys in a thread, one after the other, and keeps them.

    Args:
        on_change: called with a clip and its state as JSON when it changes.
        busy: whether something is painted now, for which a survey takes its time.
    """

    def __init__(self, on_change: Callable[[Clip, dict[str, Any]], None], busy: Callable[[], bool]) -> None:
        self._on_change, self._busy = on_change, busy
        self._made: Background[tuple[str, int, int], Survey] = Background("survey", latest_only=False)

    def find(self, clip: Clip) -> Survey | None:
        """The survey of a clip; None if there is none yet."""
        return self._made.find(clip.key)

    def ask(self, clip: Clip) -> dict[str, Any]:
        """Has a survey made, if there is none; returns its state as JSON."""

        def report(progress: Progress[Survey]) -> None:
            self._on_change(clip, _as_json(clip, progress))

        return _as_json(clip, self._made.ask(clip.key, lambda count: _survey(clip, self._busy, count), report))

    def close(self) -> None:
        """Ends the survey in work."""
        self._made.close()


def _survey(clip: Clip, busy: Callable[[], bool], count: Count) -> Survey:
    """Surveys a clip; ``count`` is called as in ``Background.ask``."""
    info = clip.source.info
    follower = CanvasFollower(info.width / info.height)
    try:
        with open_reader(clip.source, ReadOptions(batch_size=1)) as reader:
            shots, times = find_shots(
                _Yielding(reader, busy),
                lambda found: Section(found.chosen, found.gaps, found.span),
                lambda frames: count(frames, clip.frames),
                follower,
            )
            return Survey(shots, times, follower.track(), tuple(reader.warnings))
    finally:
        follower.close()


def _as_json(clip: Clip, progress: Progress[Survey]) -> dict[str, Any]:
    """The state of a survey as JSON, with the shots when they are known."""
    found: dict[str, Any] = {"state": "working", "progress": round(progress.share, 3), "shots": [], "frames": None}
    if progress.error is not None:
        return {**found, "state": "failed", "error": as_json(progress.error)}
    survey = progress.result
    if survey is None:
        return found
    start, times = clip.source.info.start, survey.times

    def end(number: int) -> float:
        return times[number] if number < len(times) else (clip.source.info.duration or times[-1] - start) + start

    shots = [
        {
            "first": shot.first,
            "last": shot.first + shot.frames - 1,
            "start": times[shot.first] - start,
            "end": end(shot.first + shot.frames) - start,
            "middle": shot.first + shot.frames // 2,
        }
        for shot in survey.shots
    ]
    return {**found, "state": "ready", "shots": shots, "frames": len(times)}
