"""The weights that each frame is painted with: those of the style, with the statistics of the shot folded in."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Any

from keras import ops

from videostyle.errors import ModelError
from videostyle.inference.backends.current import backend
from videostyle.network.folding import expand, fold
from videostyle.network.precision import dtype_of
from videostyle.network.statistics import KeyframeSegment, between, ramp_steps
from videostyle.styles.card import Arrays, Style

FoldedWeights = dict[str, Any]  # tensors by name, as ``fold`` gives them with white 255


class ShotWeights:
    """Folded weights on the device, for each frame. Only those of the frames requested last are kept.

    Args:
        style: what to paint with.
        device: its name, as from ``choose_device``.
        precision: of the weights (``network.precision``).
    """

    def __init__(self, style: Style, device: str, precision: str) -> None:
        self.style = style
        self._device, self._precision = device, precision
        self._segments: list[KeyframeSegment] = []
        self._steps: dict[int, int] = {}  # by segment: number of steps of the ramp to the next one
        self._kernels: Arrays = {}
        # By segment, and by position on the ramp to the next one, 0..1.
        self._folded: dict[tuple[int, float], FoldedWeights] = {}

    @property
    def segments(self) -> tuple[KeyframeSegment, ...]:
        """The statistics that are used, in order of their first frames; none before ``use_segments``."""
        return tuple(self._segments)

    def use_segments(self, segments: Sequence[KeyframeSegment]) -> None:
        """Sets the statistics to use: at least one segment, in any order."""
        if not segments:
            raise ValueError("at least one shot is needed")
        self._segments = sorted(segments, key=lambda segment: segment.first)
        self._steps.clear()
        self._folded.clear()

    def use_style(self, style: Style) -> None:
        """Changes the style; the statistics stay.

        Raises:
            ModelError: if its network has other sizes.
        """
        if style.architecture != self.style.architecture:
            raise ModelError(
                f"cannot change to '{style.card.name}'",
                "its network has other sizes",
                hint="use styles of one network size together",
            )
        self.style = style
        self._kernels = {}
        self._folded.clear()

    def clear(self) -> None:
        """Frees the weights on the device."""
        self._folded.clear()

    def of_frames(self, first: int, count: int) -> list[FoldedWeights]:
        """The weights of ``count`` frames from number ``first`` on; the same object where they are the same."""
        places = [self.place_of(number) for number in range(first, first + count)]
        # Frames come in order, so the weights of earlier frames are not needed again.
        self._folded = {place: self._folded.get(place) or self._fold(*place) for place in dict.fromkeys(places)}
        return [self._folded[place] for place in places]

    def alone(self, frame: int) -> bool:
        """Whether a frame has other weights than both of its neighbours."""
        place = self.place_of(frame)
        return place != self.place_of(frame - 1) and place != self.place_of(frame + 1)

    def place_of(self, frame: int) -> tuple[int, float]:
        """What the weights of a frame depend on: its segment, and its position on the ramp to the next one, 0..1."""
        number = max(0, bisect.bisect_right(self._segments, frame, key=lambda segment: segment.first) - 1)
        if number + 1 == len(self._segments):
            return number, 0.0
        segment, after = self._segments[number : number + 2]
        done = frame - (after.first - after.ramp)
        if done <= 0:
            return number, 0.0
        if number not in self._steps:
            self._steps[number] = ramp_steps(after.ramp, segment.statistics, after.statistics)
        steps = self._steps[number]
        return number, round(done / after.ramp * steps) / steps

    def _fold(self, number: int, share: float) -> FoldedWeights:
        statistics = self._segments[number].statistics
        if share:
            statistics = between(statistics, self._segments[number + 1].statistics, share)
        with backend().on("/CPU:0"):  # a GPU may compute matrix products with fewer bits
            self._kernels = self._kernels or expand(self.style.weights)
        arrays = fold(self.style.weights, statistics, white=255.0, kernels=self._kernels)
        with backend().on(self._device):
            weights = {
                name: ops.cast(backend().to_device(value), dtype_of(self._precision, name))
                for name, value in arrays.items()
            }
            backend().wait_for(next(reversed(weights.values())))  # other threads compute with them
            return weights
