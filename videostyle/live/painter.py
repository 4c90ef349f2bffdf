"""Paints single frames as they come: size, statistics, style and strength may change between any two."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from videostyle.errors import ModelError
from videostyle.frames import FrameBatch, UInt8Array, VideoInfo
from videostyle.live.dissolve import Dissolve
from videostyle.live.pace import STEPS, painted_size
from videostyle.live.scene_follower import PARTS, SceneFollower
from videostyle.media.opencv import load_cv2
from videostyle.network.statistics import KeyframeSegment, between
from videostyle.network.style_network import Statistics
from videostyle.processors.style import StyleProcessor
from videostyle.styles.style_file import Style, blend, interpolate

CROSS_STEPS = 24  # weights are moved this often in a second of a cross-over: each is a little work
TRIALS = 3  # frames that each size is timed with at the start


@dataclass
class _Move:
    """A change of style or strength on its way, at once or as a cross-over.

    Attributes:
        before: where it began.
        after: where it goes.
        began: time in seconds.
        seconds: that it takes.
        from_: statistics for ``before``; None where they are to be measured.
        to: those for ``after``.
        done: steps of the weights that were made.
    """

    before: Style
    after: Style
    began: float
    seconds: float
    from_: Statistics | None
    to: Statistics | None = None
    done: int = 0

    def left(self, now: float) -> float:
        return max(0.0, self.began + self.seconds - now)


class LivePainter:
    """The style processor for frames that come one by one.

    All sizes are compiled before the first frame; after that a change of size, style, strength or light is a
    change of numbers between two frames. Frames are painted in one thread; changes may be asked for in another.

    Args:
        base: the base, for strengths and cross-overs.
        styles: to choose from; all of one network.
        info: of the frames that come.
        precision: as in ``StyleProcessor``.
        device: as in ``StyleProcessor``.
        strength: 0..1.
        adaptive: prepare all sizes of ``pace.STEPS``; False = full size only.

    Raises:
        ModelError: if a strength below 1 is asked for and a style is of another base.
    """

    def __init__(
        self,
        base: Style,
        styles: Sequence[Style],
        info: VideoInfo,
        *,
        precision: str = "auto",
        device: str = "auto",
        strength: float = 1.0,
        adaptive: bool = True,
    ) -> None:
        self._base, self._styles, self._info = base, list(styles), info
        self._precision, self._device = precision, device
        self.strength, self.number, self.step = strength, 0, 0
        self._walks = all(self._child(style, needed=strength < 1.0) for style in self._styles)
        self._current = self._weighted(self._styles[0])
        self._steps = len(STEPS) if adaptive else 1
        self._processors: list[StyleProcessor] = []
        self._follow: SceneFollower | None = None
        self._statistics: Statistics | None = None
        self._dissolve = Dissolve()
        self._move: _Move | None = None
        self._lock = threading.Lock()

    def _child(self, style: Style, *, needed: bool) -> bool:
        """Whether a style can be walked to from the base; looked up once, as the check hashes the base."""
        try:
            interpolate(self._base, [(style, 1.0)], 0.0)
        except ModelError:
            if needed:
                raise
            return False
        return True

    @property
    def name(self) -> str:
        """Of the style that is painted with, or is being crossed over to."""
        return self._styles[self.number].card.name

    @property
    def walks(self) -> bool:
        """Whether strength and cross-overs are possible: all styles are children of the base."""
        return self._walks

    def _weighted(self, style: Style) -> Style:
        return style if self.strength >= 1.0 else blend(self._base, style, self.strength)

    def prepare(self, frame: UInt8Array, now: float) -> tuple[float, ...]:
        """Measures the scene and compiles every size; frames may come then.

        Args:
            frame: the first one, uint8 ``[H, W, 3]``.
            now: its time in seconds.

        Returns:
            Seconds that a frame takes at each step, the conversion to and from its size included.
        """
        self._processors = []
        for step in range(self._steps):
            width, height = painted_size(self._info.width, self._info.height, step)
            processor = StyleProcessor(self._current, batch_size=1, precision=self._precision, device=self._device)
            processor.open(VideoInfo(width=width, height=height))
            self._processors.append(processor)
        if self._walks:  # compiled now, not when somebody turns a knob
            covered = np.zeros_like(frame)  # the lens: flat
            for colour, seen in product((False, True), (frame, covered)):
                self._processors[0].network_statistics(
                    seen[None], self._styles[0], colour=colour, columns=PARTS, column=0
                )
        self._follow = SceneFollower(
            lambda frame: self._measured(frame, self._current),
            # The painted colours are measured at changes only: they take two networks more.
            lambda frame, part: self._processors[0].network_statistics(
                frame[None], self._current, columns=PARTS, column=part
            ),
        )
        self._statistics = self._follow(frame, now)
        costs = []
        for step in range(self._steps):
            self._put(step)
            self._paint(frame, step)
            times = []
            for _ in range(TRIALS):
                began = time.perf_counter()
                self._paint(frame, step)
                times.append(time.perf_counter() - began)
            costs.append(min(times))
        self._put(self.step)
        return tuple(costs)

    # -- between two frames ----------------------------------------------------------------------------------

    def choose(self, number: int, now: float, seconds: float = 0.0) -> None:
        """Changes to style ``number`` (counted round), at once or over ``seconds``."""
        with self._lock:
            self.number = number % len(self._styles)
            target = self._weighted(self._styles[self.number])
            self._begin(target, now, seconds if self._walks else 0.0)

    def set_strength(self, strength: float, now: float) -> None:
        """Changes the strength; a cross-over that is on its way goes on to its end."""
        if not self._walks:
            return
        with self._lock:
            self.strength = min(1.0, max(0.0, round(strength, 3)))
            target = self._weighted(self._styles[self.number])
            self._begin(target, now, self._move.left(now) if self._move else 0.0)

    def _begin(self, target: Style, now: float, seconds: float) -> None:
        self._move = _Move(self._current, target, now, seconds, self._statistics)

    def set_step(self, step: int, now: float) -> None:
        """Changes the size from the next frame on."""
        if step != self.step:
            self.step = step
            self._put(step)
            self._dissolve.begin(now)

    def _put(self, step: int) -> None:
        processor = self._processors[step]
        processor.use_style(self._current)
        if self._statistics is not None:
            processor.use_shots([KeyframeSegment(0, self._statistics)])

    def _measured(self, frame: UInt8Array, style: Style) -> Statistics:
        return self._processors[0].statistics_of(frame[None], style, PARTS)

    def _advance(self, move: _Move, follow: SceneFollower, frame: UInt8Array, now: float) -> Statistics | None:
        """Moves a change on; returns statistics if the weights or they are others now.

        Statistics half-way lie near the straight line between those of both ends, which are measured one a frame:
        to measure a style takes as long as to paint a frame or two.
        """
        share = 1.0 if move.seconds <= 0 else min(1.0, max(0.0, (now - move.began) / move.seconds))
        if follow.is_new(frame, now):
            move.from_ = move.to = None
        if share >= 1.0:
            self._move, self._current = None, move.after
            return follow.restart(move.to or self._measured(frame, move.after), now)
        step = int(share * CROSS_STEPS * max(1.0, move.seconds))
        if move.from_ is None:
            move.from_ = self._measured(frame, move.before)
        elif move.to is None:
            move.to = self._measured(frame, move.after)
        elif step <= move.done:
            return None
        move.done = step
        self._current = blend(move.before, move.after, share)
        return between(move.from_, move.to or move.from_, share)

    def __call__(self, frame: UInt8Array, now: float) -> UInt8Array:
        """Paints one frame uint8 ``[H, W, 3]`` of time ``now`` in seconds; the result has the same size.

        Raises:
            VideostyleError: if the network fails.
        """
        if self._follow is None:
            self.prepare(frame, now)
            return self(frame, now)
        # A cut, another light or another style is measured before the frame that shows it is painted.
        with self._lock:
            if self._move is None:
                found = self._follow(frame, now)
            else:
                found = self._advance(self._move, self._follow, frame, now)
            if found is not None:
                self._statistics = found
        if found is not None:
            self._put(self.step)
        return self._dissolve(self._paint(frame, self.step), frame, now)

    def _paint(self, frame: UInt8Array, step: int) -> UInt8Array:
        cv2 = load_cv2()
        full = self._info.width, self._info.height
        size = painted_size(*full, step)
        small = frame if size == full else cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        painted = self._processors[step](FrameBatch(np.ascontiguousarray(small)[None], np.zeros(1), 0)).frames[0]
        return painted if size == full else cv2.resize(painted, full, interpolation=cv2.INTER_LINEAR)

    def close(self) -> None:
        """Forgets what was compiled."""
        for processor in self._processors:
            processor.close()
