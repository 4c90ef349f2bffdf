"""Measures a painted video and compares it with the original.

Videos are read once, side by side; memory does not grow with their length. Each figure is computed for the painted
video, for the unpainted one as a reference, and for a baseline if there is one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from videostyle.errors import InputError
from videostyle.frames import UInt8Array
from videostyle.metrics import temporal
from videostyle.metrics.definitions import DEFINITIONS, DISTANCES, FAR_EVERY, WINDOW
from videostyle.metrics.paint import PaintJudge
from videostyle.metrics.perceptual import PerceptualJudge, perceptual_distance
from videostyle.metrics.ssim import edge_ssim
from videostyle.metrics.true_flow import TrueFlow
from videostyle.motion.flow import Float, warp
from videostyle.network.loss_network import LossNetwork

WORST = 3  # pairs shown in the report
UNPAINTED, PAINTED, BASELINE = "unpainted", "painted", "baseline"


@dataclass
class WorstPair:
    """A pair of neighbouring frames with a large warping error, for the report.

    Attributes:
        error: warping error.
        time: time of the later frame, seconds.
        number: number of the later frame.
        current: the later frame, painted, uint8 ``[H, W, 3]``.
        before: the earlier frame, painted.
        change: their difference along the motion, ``[H, W]``, levels of 255; 0 where not visible in both.
    """

    error: float
    time: float
    number: int
    current: UInt8Array
    before: UInt8Array
    change: Float


@dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        values: figure -> video ("painted", "unpainted", "baseline") -> value.
        series: video -> warping error of each pair of neighbours.
        times: time of the later frame of each pair, seconds.
        worst: the painted pairs with the largest error, worst first.
        stills: (time, original, painted) of some frames, to compare before and after.
        frames: number of frames compared.
        size: width and height at which they were compared.
        notes: facts that definitions refer to (flow, net, deep, layer, target).
        warnings: messages for the user.
    """

    values: dict[str, dict[str, float]]
    series: dict[str, list[float]]
    times: list[float]
    worst: list[WorstPair]
    stills: list[tuple[float, UInt8Array, UInt8Array]]
    frames: int
    size: tuple[int, int]
    notes: dict[str, str]
    warnings: list[str]

    def definition(self, figure: str) -> str:
        """The definition of a figure, with the facts of this measurement."""
        return DEFINITIONS[figure].text.format(**self.notes)


class _Mean:
    """A running mean."""

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def add(self, value: float) -> None:
        if np.isfinite(value):
            self.total += value
            self.count += 1

    @property
    def value(self) -> float | None:
        return self.total / self.count if self.count else None


class Evaluator:
    """Computes figures from frames that are added in order.

    Args:
        flow: computes flow and mask from one frame to another (``motion.dis.flow_and_mask``).
        net: the loss network.
        judge: compares frames with the painting by style loss; None = not compared.
        paint: compares frames with the painting by the figures of ``metrics.paint``; None = not compared.
        true_flow: known flow; None = unknown.
        sample_every: losses are computed for one of this many frames.
        fps: frame rate, for the first and last second.
    """

    def __init__(
        self,
        flow: temporal.FlowFunction,
        net: LossNetwork,
        judge: PerceptualJudge | None = None,
        paint: PaintJudge | None = None,
        true_flow: TrueFlow | None = None,
        sample_every: int = 12,
        fps: float = 25.0,
    ) -> None:
        self._flow, self._net, self._judge, self._paint, self._true_flow = flow, net, judge, paint, true_flow
        self._content = PerceptualJudge(net, {})
        self._every, self._second = max(1, sample_every), max(1, round(fps))
        self._means: dict[tuple[str, str], _Mean] = {}
        self._past: deque[Mapping[str, UInt8Array]] = deque(maxlen=max(DISTANCES))
        self._window: list[Mapping[str, UInt8Array]] = []
        self._colors: dict[str, tuple[list[Any], deque[Any]]] = {}
        self._series: dict[str, list[float]] = {}
        self._times: list[float] = []
        self._worst: list[WorstPair] = []
        self._stills: list[tuple[float, UInt8Array, UInt8Array]] = []
        self.frames = 0

    def add(self, frames: Mapping[str, UInt8Array], time: float) -> None:
        """Adds the frames of one time, uint8 ``[H, W, 3]`` by video; "unpainted" must be among them."""
        number = self.frames
        for distance in DISTANCES:
            if distance <= len(self._past) and (distance == 1 or number % FAR_EVERY == 0):
                self._pair(frames, self._past[-distance], distance, time)
        if self._true_flow is not None and self._past:
            pair = self._true_flow.pair(number - 1)
            if pair is not None:
                self._check_size(pair[0], frames[UNPAINTED])
                for name, frame in frames.items():
                    self._add("sintel_error", name, temporal.sintel_error([frame, self._past[-1][name]], [pair]) ** 2)
        if number % self._every == 0:
            self._sample(frames, time)
        self._window.append(frames)
        if len(self._window) == WINDOW:
            self._flicker()
        for name, frame in frames.items():
            first, last = self._colors.setdefault(name, ([], deque(maxlen=self._second)))
            mean = frame.reshape(-1, 3).mean(axis=0, dtype=np.float64)
            last.append(mean)
            if len(first) < self._second:
                first.append(mean)
        self._past.append(frames)
        self.frames += 1

    def _add(self, figure: str, name: str, value: float) -> None:
        self._means.setdefault((figure, name), _Mean()).add(value)

    @staticmethod
    def _check_size(flow: Float, frame: UInt8Array) -> None:
        if flow.shape[:2] != frame.shape[:2]:
            raise InputError(
                f"the true flow is {flow.shape[1]}x{flow.shape[0]}",
                f"the frames are {frame.shape[1]}x{frame.shape[0]}",
                "give frames of the flow's size, and a `max_size` that does not shrink them",
            )

    def _pair(self, now: Mapping[str, UInt8Array], past: Mapping[str, UInt8Array], distance: int, time: float) -> None:
        flow, mask = self._flow(now[UNPAINTED], past[UNPAINTED])
        if mask.sum() < 0.05 * mask.size:
            return  # a cut: hardly any pixel of one frame is visible in the other
        for name, frame in now.items():
            error = temporal.pair_error(frame, past[name], flow, mask)
            self._add(f"warping_error_{distance}", name, error)
            if distance == 1:
                self._series.setdefault(name, []).append(error)
                if name == PAINTED:
                    self._keep_worst(error, time, frame, past[name], flow, mask)
        if distance == 1:
            self._times.append(time)

    def _keep_worst(
        self, error: float, time: float, frame: UInt8Array, before: UInt8Array, flow: Float, mask: Float
    ) -> None:
        if len(self._worst) == WORST and error <= self._worst[-1].error:
            return
        change = np.abs(frame.astype(np.float32) - warp(before, flow)).mean(axis=2) * mask[..., 0]
        self._worst.append(WorstPair(error, time, self.frames, frame, before, change))
        self._worst = sorted(self._worst, key=lambda pair: -pair.error)[:WORST]

    def _sample(self, frames: Mapping[str, UInt8Array], time: float) -> None:
        original = frames[UNPAINTED]
        for name, frame in frames.items():
            if self._judge is not None:
                self._add("style", name, self._judge.style(frame))
            if self._paint is not None:
                for figure, value in self._paint.figures(frame, original).items():
                    self._add(figure, name, value)
            self._add("content", name, self._content.content(frame, original))
            self._add("edge_ssim", name, edge_ssim(frame, original))
            if self._past:
                self._add("temporal_distance", name, perceptual_distance(self._net, frame, self._past[-1][name]))
        if PAINTED in frames:
            self._stills.append((time, original, frames[PAINTED]))
            if len(self._stills) > 8:  # spread over the clip without knowing its length
                self._stills = self._stills[::2]

    def _flicker(self) -> None:
        original = np.stack([frames[UNPAINTED] for frames in self._window])
        for name in self._window[0]:
            painted = np.stack([frames[name] for frames in self._window])
            self._add("static_flicker", name, temporal.static_flicker(painted, original))
        self._window = []

    def result(self, notes: Mapping[str, str], warnings: Sequence[str] = ()) -> Evaluation:
        """All figures of the frames so far.

        Raises:
            InputError: if there were none.
        """
        if not self.frames:
            raise InputError(
                "there is nothing to compare", "no frame was read", hint="check that both videos hold frames"
            )
        if len(self._window) > 1:
            self._flicker()
        values: dict[str, dict[str, float]] = {}
        for (figure, name), mean in self._means.items():
            if mean.value is not None:
                values.setdefault(figure, {})[name] = mean.value
        if "sintel_error" in values:
            values["sintel_error"] = {name: float(np.sqrt(v)) for name, v in values["sintel_error"].items()}
        if self.frames > 1:
            # Mean colours stand for frames of one pixel: the first and the last second of them, as many of each.
            ends = {name: np.array([*first, *last])[:, None, None] for name, (first, last) in self._colors.items()}
            edge = len(self._colors[UNPAINTED][0])
            values["color_drift"] = {
                name: temporal.color_drift(colors, ends[UNPAINTED], edge) for name, colors in ends.items()
            }
        height, width = self._past[-1][UNPAINTED].shape[:2]
        ordered = {figure: values[figure] for figure in DEFINITIONS if figure in values}
        return Evaluation(
            ordered, self._series, self._times, self._worst, self._stills, self.frames, (width, height),
            dict(notes), list(warnings),
        )  # fmt: skip


def side_by_side(
    videos: Mapping[str, Iterable[tuple[UInt8Array, float]]], warnings: list[str]
) -> Iterator[tuple[dict[str, UInt8Array], float]]:
    """Yields the frames of several videos with the same number, and the time of the original; ends with the shortest.

    Args:
        videos: frames and times of each, "unpainted" among them.
        warnings: a line is added where one video is longer than another.
    """
    iterators = {name: iter(video) for name, video in videos.items()}
    number = 0
    while True:
        found = {name: next(iterator, None) for name, iterator in iterators.items()}
        ended = [name for name, item in found.items() if item is None]
        if ended:
            if len(ended) < len(found):
                warnings.append(f"{' and '.join(ended)} ended after {number} frames, before the rest")
            return
        frames = {name: item[0] for name, item in found.items() if item is not None}
        original = found[UNPAINTED]
        yield frames, original[1] if original is not None else 0.0
        number += 1
