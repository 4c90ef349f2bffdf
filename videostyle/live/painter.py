"""Paints single frames as they come: size, statistics, style and strength may change between any two."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from videostyle.frames import FrameBatch, UInt8Array, VideoInfo
from videostyle.io.opencv import load_cv2
from videostyle.live.light import LightWatch, SlowMean
from videostyle.live.pace import painted_size
from videostyle.models.weights import Style, interpolate
from videostyle.processors.stylize import Stylize

CROSS_STEPS = 24  # weights are moved this often in a cross-over: each is a little work


@dataclass
class _Move:
    """A cross-over on its way."""

    before: Style
    after: Style
    began: float
    seconds: float
    done: int = 0


class LivePainter:
    """The style processor for frames that come one by one.

    Statistics are measured in a thread of their own; weights for a new style, strength or light are made while
    frames go on being painted, and put in place between two of them. Nothing is compiled after the start but
    the program of a size that was not seen before, in that thread as well.

    Args:
        base: the base, for strengths and cross-overs.
        styles: to choose from; all of one network.
        info: of the frames that come.
        precision: as in ``Stylize``.
        device: as in ``Stylize``.
        strength: 0..1.
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
    ) -> None:
        self._base, self._styles, self._info = base, list(styles), info
        self._precision, self._device = precision, device
        self.strength, self.number = strength, 0
        self._current = self._weighted(self._styles[0])
        self._processors: dict[int, Stylize] = {}
        self._watch, self._mean = LightWatch(), SlowMean()
        self._move: _Move | None = None
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self.step = self._wanted = 0

    @property
    def name(self) -> str:
        """Of the style that is painted with, or is being crossed over to."""
        return self._styles[self.number].card.name

    def _weighted(self, style: Style) -> Style:
        return style if self.strength == 1.0 else interpolate(self._base, [(style, 1.0)], self.strength)

    def _processor(self, step: int) -> Stylize:
        """The processor of a size, compiled when this returns."""
        if step not in self._processors:
            width, height = painted_size(self._info.width, self._info.height, step)
            made = Stylize(self._current, batch_size=1, precision=self._precision, device=self._device)
            made.open(VideoInfo(width=width, height=height))
            blank = np.zeros((1, height, width, 3), np.uint8)
            if self._mean.value is not None:
                made.use_shots([(0, self._mean.value)])
                made(FrameBatch(blank, np.zeros(1), 0))
            self._processors[step] = made
        return self._processors[step]

    # -- between two frames ----------------------------------------------------------------------------------

    def choose(self, number: int, now: float, seconds: float = 0.0) -> None:
        """Changes to style ``number`` (counted round), at once or over ``seconds``."""
        self.number = number % len(self._styles)
        target = self._weighted(self._styles[self.number])
        self._move = _Move(self._current, target, now, seconds)

    def set_strength(self, strength: float, now: float) -> None:
        """Changes the strength."""
        self.strength = min(1.0, max(0.0, round(strength, 3)))
        self.choose(self.number, now)

    def set_step(self, step: int) -> None:
        """Changes the size: at once if its program is there, else when it has been made beside."""
        self._wanted = step
        self._approach()

    def _approach(self) -> None:
        """Takes the wanted size if its program is there, else has it made as soon as that can begin."""
        step = self._wanted
        if step == self.step:
            return
        if step in self._processors:
            self._put(self._processors[step])
            self.step = step
        elif not self._busy.is_set():
            self._beside(lambda: self._arrive(step))

    def _arrive(self, step: int) -> None:
        processor = self._processor(step)
        with self._lock:
            self._put(processor)
            self.step = step

    def _beside(self, work: Callable[[], None]) -> None:
        self._busy.set()

        def run() -> None:
            try:
                work()
            finally:
                self._busy.clear()

        threading.Thread(target=run, name="beside", daemon=True).start()

    def _put(self, processor: Stylize) -> None:
        processor.use_style(self._current)
        if self._mean.value is not None:
            processor.use_shots([(0, self._mean.value)])

    def _advance(self, now: float) -> None:
        """Moves a cross-over on."""
        move = self._move
        if move is None:
            return
        share = 1.0 if move.seconds <= 0 else min(1.0, (now - move.began) / move.seconds)
        step = int(share * CROSS_STEPS)
        if share >= 1.0:
            self._current, self._move = move.after, None
        elif step > move.done:
            move.done = step
            weights = {
                name: ((1 - share) * move.before.weights[name] + share * value).astype(np.float32)
                for name, value in move.after.weights.items()
            }
            self._current = Style(move.after.card, weights)
        else:
            return
        self._put(self._processors[self.step])

    def _look(self, frame: UInt8Array, now: float) -> None:
        """Measures the statistics where they are due; at the very start in place, later beside."""
        due = self._watch(frame, now)
        if due is None:
            return
        first = self._mean.value is None
        if first:
            self._measure(frame.copy(), now, True)
        elif not self._busy.is_set():
            self._beside(lambda: self._measure(frame.copy(), now, due == "anew"))

    def _measure(self, frame: UInt8Array, now: float, anew: bool) -> None:
        processor = self._processor(self.step) if not self._processors else self._processors[self.step]
        found = processor.statistics_of(frame[None])
        with self._lock:
            self._mean.update(found, now, anew=anew)
            self._put(self._processors[self.step])

    def __call__(self, frame: UInt8Array, now: float) -> UInt8Array:
        """Paints one frame uint8 ``[H, W, 3]``; the result has the same size.

        Raises:
            VideostyleError: if the network fails.
        """
        cv2 = load_cv2()
        height, width = frame.shape[:2]
        with self._lock:
            self._approach()
            step = self.step
        size = painted_size(self._info.width, self._info.height, step)
        small = frame if size == (width, height) else cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        self._look(small, now)
        with self._lock:
            self._advance(now)
            processor = self._processors[step]
            painted = processor(FrameBatch(np.ascontiguousarray(small)[None], np.zeros(1), 0)).frames[0]
        return (
            painted if size == (width, height) else cv2.resize(painted, (width, height), interpolation=cv2.INTER_LINEAR)
        )

    def close(self) -> None:
        """Forgets what was compiled."""
        for processor in self._processors.values():
            processor.close()
