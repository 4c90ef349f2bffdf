"""Surveys of clips: their shots, which frames of each are to be measured, and how the canvas moves.

A survey needs one pass over the clip and no network, and holds for every style. With it a preview is painted as a
render would, without planning the clip anew for each choice: only the shot that is looked at is measured.
"""

from __future__ import annotations

import bisect
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from videostyle.errors import VideostyleError
from videostyle.frames import UInt8Array
from videostyle.media.readers.base import FrameReader, ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.motion.mesh_store import MeshTrack
from videostyle.motion.sampling import FramesToMeasure
from videostyle.rendering.canvas import CanvasFollower
from videostyle.rendering.shots import Shot, find_shots
from videostyle.studio.clips import Clip
from videostyle.studio.web.problems import as_json, bug

log = logging.getLogger("videostyle")

KEPT = 8  # surveys
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


class _Stopped(Exception):
    """The survey is not wanted any more."""


class _Watched:
    """A reader that stops when it is told to, and lets previews go first."""

    def __init__(self, reader: FrameReader, stop: threading.Event, busy: Callable[[], bool]) -> None:
        self._reader, self._stop, self._busy = reader, stop, busy

    def raw_frames(self) -> Iterator[tuple[UInt8Array, float]]:
        for frame in self._reader.raw_frames():
            if self._stop.is_set():
                raise _Stopped
            if self._busy():
                time.sleep(YIELD)
            yield frame

    def delivered(self, picture: UInt8Array) -> UInt8Array:
        return picture  # only numbers of frames are kept


@dataclass
class _State:
    """How far a survey is."""

    progress: float = 0.0
    survey: Survey | None = None
    error: VideostyleError | None = None


class Surveys:
    """Makes surveys in a thread, one after the other, and keeps them.

    Args:
        told: called with a clip and its state as JSON when it changes.
        busy: whether something is painted now, for which a survey takes its time.
    """

    def __init__(self, told: Callable[[Clip, dict[str, Any]], None], busy: Callable[[], bool]) -> None:
        self._told, self._busy = told, busy
        self._states: OrderedDict[tuple[str, int, int], _State] = OrderedDict()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._waiting: list[tuple[Clip, _State]] = []
        self._thread: threading.Thread | None = None

    def find(self, clip: Clip) -> Survey | None:
        """The survey of a clip; None if there is none yet."""
        state = self._states.get(clip.key)
        return state.survey if state is not None else None

    def ask(self, clip: Clip) -> dict[str, Any]:
        """Has a survey made, if there is none; returns its state as JSON."""
        with self._lock:
            state = self._states.get(clip.key)
            if state is None:
                state = self._states[clip.key] = _State()
                self._waiting.append((clip, state))
                while len(self._states) > KEPT:
                    gone = self._states.popitem(last=False)[0]
                    self._waiting = [one for one in self._waiting if one[0].key != gone]
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="survey", daemon=True)
                    self._thread.start()
            self._states.move_to_end(clip.key)
        return told(clip, state)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or self._stop.is_set():
                    self._thread = None
                    return
                clip, state = self._waiting.pop()  # what was asked for last is looked at now
            try:
                state.survey = self._made(clip, state)
                state.progress = 1.0
            except _Stopped:
                continue
            except VideostyleError as error:
                state.error = error
            except Exception as error:
                log.exception("a survey failed")
                state.error = bug(error)
            self._told(clip, told(clip, state))

    def _made(self, clip: Clip, state: _State) -> Survey:
        info = clip.source.info
        count = clip.frames or 0
        done = 0

        def on_progress(frames: int) -> None:
            nonlocal done
            done += frames
            before, state.progress = state.progress, min(0.99, done / count) if count else 0.0
            if int(20 * before) != int(20 * state.progress):
                self._told(clip, told(clip, state))

        follower = CanvasFollower(info.width / info.height)
        with open_reader(clip.source, ReadOptions(batch_size=1)) as reader:
            shots, times = find_shots(
                _Watched(reader, self._stop, self._busy),
                lambda found: Section(found.chosen, found.gaps, found.span),
                on_progress,
                follower,
            )
            return Survey(shots, times, follower.track(), tuple(reader.warnings))

    def close(self) -> None:
        """Ends the survey in work."""
        self._stop.set()
        if (thread := self._thread) is not None:
            thread.join(10)


def told(clip: Clip, state: _State) -> dict[str, Any]:
    """The state of a survey as JSON, with the shots when they are known."""
    found: dict[str, Any] = {"state": "working", "progress": round(state.progress, 3), "shots": [], "frames": None}
    if state.error is not None:
        return {**found, "state": "failed", "error": as_json(state.error)}
    survey = state.survey
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
