"""Measures a clip that has a timeline, while it is planned: each section for the nodes that its frames are mixed of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np

from videostyle.errors import ModelError, SettingError
from videostyle.frames import UInt8Array
from videostyle.media.readers.base import Input
from videostyle.media.scaling import shrunk
from videostyle.motion.sampling import FramesToMeasure
from videostyle.network.statistics import Measurement, Statistics, keyframe_segments
from videostyle.processors.curve import check_curve, curve_of
from videostyle.processors.timeline import SETTING, SNAP, shares_of, snapped
from videostyle.rendering.chain import chain_of
from videostyle.rendering.frame_timeline import FrameTimeline, Node, TimelineSource, frame_timeline
from videostyle.rendering.settings import RenderSettings
from videostyle.rendering.shots import Shot, measure_numbers

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor
    from videostyle.styles.card import Style

BETWEEN = 3  # steps from one node of a change to the next, at which its look is compared
SAMPLE = 192  # pixels; longest side of the pictures by which a change is spread
USUAL_RATE = 25.0  # frames a second, where a clip does not say

Sections = dict[Node, list[Measurement]]  # what was measured of a section, for each node


def has_timeline(settings: RenderSettings) -> bool:
    """Whether anything changes along the clip."""
    return bool(settings.timeline) or settings.strength_from is not None


def styles_of(settings: RenderSettings) -> list[Style]:
    """The styles that a timeline changes to.

    Raises:
        ModelError: if one is missing or broken.
    """
    from videostyle.styles.resolve import find_style

    specs = [frame.style for frame in settings.timeline if frame.style is not None]
    return [find_style(name) for name in dict.fromkeys(name for spec in specs for name in shares_of(spec))]


def check_timeline(settings: RenderSettings) -> None:
    """Makes sure that a timeline can be painted, before anything slow begins.

    Raises:
        VideostyleError: if a style, an option or a curve cannot be used.
    """
    if not has_timeline(settings):
        return
    check_curve(settings.strength_from)
    names = {choice.name for choice in chain_of(settings)}
    for name in (name for frame in settings.timeline for name in frame.options or {}):
        if name.partition(".")[0] not in names:
            processor = name.partition(".")[0]
            raise SettingError(
                SETTING, f"'{processor}' of '{name}' is not in the chain", f"add `processors` {processor}"
            )
    try:
        TimelineSource(settings, snapped(settings.timeline, (), USUAL_RATE), None)
        styles = [*styles_of(settings)]
    except OSError as error:
        raise ModelError("a style of the timeline cannot be read", str(error), "check its path") from error
    if len({style.architecture for style in styles}) > 1:
        raise SettingError(SETTING, "its styles are of different networks", "use styles of one network size together")


@dataclass(frozen=True)
class _Sample:
    """A frame in a section of the clip: its time in seconds, a small picture of it, and what was measured there."""

    time: float
    picture: UInt8Array
    found: Sections


class _Known:
    """Measures frames of a section for nodes; the styles between which nodes lie are measured once for each frame.

    Args:
        style_processor: measures.
        frames: of the section.
    """

    def __init__(self, style_processor: StyleProcessor, frames: FramesToMeasure) -> None:
        self._measurement, self._frames = style_processor.measurement, frames
        self._ends: dict[tuple[int, int, float], Statistics] = {}

    def __call__(self, node: Node, style: Style, canvas_of: Callable[[Style, Node], float], number: int) -> Statistics:
        """The statistics of frame ``number`` for a node, whose style is ``style``."""

        def of_end(end: Style) -> Statistics:
            return self._end(number, end, canvas_of(end, node))

        if not style.ends:
            own = self._end(number, style, node.canvas)
            return {layer: statistics for layer, statistics in own.items() if layer != "out"}
        picture = self._frames.picture(number)[None]
        return self._measurement.statistics(picture, style, amount=node.canvas, of_end=of_end)

    def _end(self, number: int, end: Style, canvas: float) -> Statistics:
        from videostyle.styles.card import has_canvas

        key = number, id(end), canvas if has_canvas(end.weights) else 0.0
        if key not in self._ends:
            picture = self._frames.picture(number)[None]
            self._ends[key] = self._measurement.network_statistics(picture, end, colour=True, amount=canvas)
        return self._ends[key]


class TimelineMeasurement:
    """Measures the sections of a clip for a timeline. Several threads may call it at once.

    Args:
        settings: of the render.
        source: the clip.
        style_processor: measures.
    """

    def __init__(self, settings: RenderSettings, source: Input, style_processor: StyleProcessor) -> None:
        self._settings, self._processor = settings, style_processor
        self._start = source.info.start
        self._rate = float(source.info.fps or USUAL_RATE)
        self._curve = curve_of(settings.strength_from, source)
        self._reach = SNAP if any(frame.snap for frame in settings.timeline) else 0.0
        self._source = TimelineSource(settings, snapped(settings.timeline, (), self._rate), self._curve)
        self._samples: list[_Sample] = []

    @property
    def on_canvas(self) -> bool:
        """Whether any style has a canvas."""
        from videostyle.styles.card import has_canvas

        return any(has_canvas(style.weights) for style in self._source.styles)

    def __call__(self, frames: FramesToMeasure) -> Sections:
        """Measures a section for each node that its frames may be mixed of."""
        times = [time - self._start for time in frames.times]
        if self._reach:  # key frames that snap may move by as much
            step = 1 / self._rate
            count = int(self._reach / step) + 1
            times = [*(times[0] - n * step for n in range(count, 0, -1)), *times]
            times += [times[-1] + n * step for n in range(1, count + 1)]
        nodes = dict.fromkeys(node for time in times for node, _ in self._source.nodes_at(time))
        known = _Known(self._processor, frames)
        found: Sections = {
            node: measure_numbers(frames, partial(known, node, self._source.style_of(node), self._source.end_canvas))
            for node in nodes
        }
        if any(frame.ease > 0 for frame in self._settings.timeline):
            number = frames.chosen[len(frames.chosen) // 2]
            picture = shrunk(frames.picture(number), SAMPLE)
            self._samples.append(_Sample(frames.times[number - frames.span[0]] - self._start, picture, found))
        return found

    def _spread(self, source: TimelineSource) -> None:
        """Spreads the changes of a timeline so that pictures change evenly."""
        from videostyle.inference.sketch import sketches

        for track, number, middle, along in source.transitions():
            samples = [one for one in self._samples if all(one.found.get(node) for _, node in along)]
            sample = min(samples, key=lambda one: (abs(one.time - middle), one.time), default=None)
            if sample is None or len(along) < 3:
                continue
            styles = [(source.style_of(node), sample.found[node][0].statistics, node.canvas) for _, node in along]
            # A small constant keeps the steps distinct where nothing changes.
            steps = [
                float(np.abs(one - other).mean()) + 1e-3
                for one, other in pairwise(sketches(styles, BETWEEN, sample.picture, self._settings.seed))
            ]
            seen = np.concatenate([[0.0], np.cumsum(steps) / sum(steps)])
            parts = np.interp(
                np.arange(len(seen)) / BETWEEN, np.arange(len(along)), np.array([part for part, _ in along])
            )
            track.spread(number, parts.tolist(), seen.tolist())

    def finished(self, shots: Sequence[Shot[list[Sections]]], times: Sequence[float], number: int) -> FrameTimeline:
        """The timeline frame by frame, once the whole clip is read.

        Args:
            shots: of the clip.
            times: of all frames, seconds on the clip's clock.
            number: which of the measurements of a section is this one's.
        """
        cuts = [times[shot.first] - self._start for shot in shots]
        source = TimelineSource(self._settings, snapped(self._settings.timeline, cuts, self._rate), self._curve)
        self._spread(source)
        nodes = dict.fromkeys(node for shot in shots for section in shot.sections for node in section[number])
        segments = {
            node: [
                segment
                for shot in shots
                for segment in keyframe_segments(
                    chain.from_iterable(section[number].get(node, []) for section in shot.sections), shot.first
                )
            ]
            for node in nodes
        }
        return frame_timeline(source, [time - self._start for time in times], segments)
