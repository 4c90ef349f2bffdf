"""The timeline frame by frame: with which styles, amount of canvas and options each frame of a clip is painted.

Weights are mixed of *nodes*: styles, at a strength, with statistics of their own. A change has nine nodes, an eighth of
the way apart, because statistics and colours of mixed weights are not linear in the shares. Nor is the look: near some
strengths the picture changes three times as fast as near others, and changes are spread in time to make up for that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from videostyle.errors import ModelError
from videostyle.frames import Float32Array
from videostyle.network.statistics import KeyframeSegment
from videostyle.processors.curve import Curve
from videostyle.processors.timeline import Change, KeyFrame, Track, shares_of
from videostyle.rendering.chain import chain_of
from videostyle.rendering.plan_arrays import named, segment_arrays, segments_from, under
from videostyle.rendering.settings import RenderSettings

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor
    from videostyle.styles.card import Style

STEPS = tuple(step / 8 for step in range(9))  # of a change, at which statistics are measured
DIGITS = 6  # to which shares and strengths are rounded


@dataclass(frozen=True)
class Node:
    """A mix of styles at a strength, and the amount of canvas that it is measured with.

    Attributes:
        shares: of the styles, by number; they sum to the strength, the rest is the base's.
        canvas: 0..1.
    """

    shares: tuple[tuple[int, float], ...]
    canvas: float

    @property
    def strength(self) -> float:
        """0..1."""
        return min(1.0, sum(share for _, share in self.shares))


@dataclass(frozen=True)
class FrameTimeline:
    """The timeline of a clip, frame by frame.

    Attributes:
        styles: that are mixed.
        base: the base that they were trained from; None if each frame has one style at full strength.
        nodes: what is mixed.
        segments: the statistics of each node.
        places: int16 ``[F, K]``: the nodes of each frame.
        shares: float32 ``[F, K]``: their shares.
        canvas: float32 ``[F]``: amount of canvas.
        options: by "PROCESSOR.OPTION", float32 ``[F]``.
    """

    styles: tuple[Style, ...]
    base: Style | None
    nodes: tuple[Node, ...]
    segments: tuple[tuple[KeyframeSegment, ...], ...]
    places: NDArray[np.int16]
    shares: Float32Array
    canvas: Float32Array
    options: Mapping[str, Float32Array] = field(default_factory=dict)

    @property
    def driven(self) -> dict[str, dict[str, Float32Array]]:
        """By the name of a processor, its options that change, each at every frame."""
        found: dict[str, dict[str, Float32Array]] = {}
        for key, values in self.options.items():
            processor, _, option = key.partition(".")
            found.setdefault(processor, {})[option.replace("-", "_")] = values
        return found


class TimelineSource:
    """The timeline of a render before the clip is known: its values at any time.

    Args:
        settings: of the render.
        frames: its key frames, in order of time, in seconds (``timeline.snapped``).
        curve: by which strengths are multiplied; None = 1.

    Raises:
        ModelError: if styles cannot be mixed.
    """

    def __init__(self, settings: RenderSettings, frames: Sequence[KeyFrame], curve: Curve | None) -> None:
        from videostyle.styles import gallery
        from videostyle.styles.resolve import find_style, with_equal_depth

        specs = [settings.style, *(frame.style for frame in frames if frame.style is not None)]
        names = list(dict.fromkeys(name for spec in specs for name in shares_of(spec)))
        styles = with_equal_depth([find_style(name) for name in names])
        self.styles: tuple[Style, ...] = tuple(styles)
        self._numbers = {name: number for number, name in enumerate(names)}
        self._curve = curve
        self._made: dict[tuple[tuple[int, float], ...], Style] = {}
        self._mix, self._strength = Track(shares_of(settings.style)), Track(settings.strength)
        asks = settings.canvas is not None or any(frame.canvas is not None for frame in frames)
        card = styles[0].card.canvas if settings.canvas is None else settings.canvas
        self._canvas = Track(card) if asks else None
        own = {choice.name: choice.options for choice in chain_of(settings)}
        self._options: dict[str, Track] = {}
        for frame in frames:
            at, ease, curved = frame.at.seconds or 0.0, frame.ease, frame.curve
            for name, value in (frame.options or {}).items():
                processor, _, option = name.partition(".")
                start = float(own[processor][option.replace("-", "_")])
                track = self._options.setdefault(name, Track(start))
                track.change(at, value, ease, curved)
            if frame.style is not None:
                self._mix.change(at, shares_of(frame.style), ease, curved)
            if frame.strength is not None:
                self._strength.change(at, frame.strength, ease, curved)
            if frame.canvas is not None and self._canvas is not None:
                self._canvas.change(at, frame.canvas, ease, curved)
        self._strengths = self._levels(self._strength, driven=curve is not None)
        self._canvases = self._levels(self._canvas, driven=False) if self._canvas is not None else ()
        plain = self._strengths == (1.0,) and all(len(track) == 1 for track in self._mix.rests)
        moving = any(frame.style is not None and frame.ease > 0 for frame in frames)
        self.base = None if plain and not moving else gallery.base(styles[0].architecture)
        for name, style in zip(names, styles, strict=True):
            if self.base is not None and not gallery.is_child(style):
                hint = "train it again with this version, or change to it at once, at full strength"
                raise ModelError(f"the style '{name}' cannot be mixed", "it was trained from another base", hint)

    @staticmethod
    def _levels(track: Track, *, driven: bool) -> tuple[float, ...]:
        rests = {round(float(value), DIGITS) for value in track.rests}
        return tuple(sorted(rests | set(STEPS))) if driven or len(rests) > 1 else tuple(rests)

    def end_canvas(self, end: Style, node: Node) -> float:
        """The amount of canvas with which an end of a node's style is measured: as for a node that is that end."""
        return node.canvas if self._canvas is not None else end.card.canvas

    def canvas_at(self, time: float) -> float:
        """The amount of canvas at a time, seconds from the beginning of the clip."""
        if self._canvas is not None:
            return float(self._canvas.value(time))
        return self._canvas_of(self._mix.value(time))

    def mix_at(self, time: float) -> Mapping[str, float]:
        """The styles at a time, by name, with their shares, which sum to 1."""
        found: Mapping[str, float] = self._mix.value(time)
        return found

    def _canvas_of(self, mix: Mapping[str, float]) -> float:
        return sum(share * self.styles[self._numbers[name]].card.canvas for name, share in mix.items())

    def options_at(self, time: float) -> dict[str, float]:
        """The options of processors at a time."""
        return {name: float(track.value(time)) for name, track in self._options.items()}

    def strength_at(self, time: float) -> float:
        """The strength at a time, 0..1."""
        return float(self._strength.value(time)) * (1.0 if self._curve is None else self._curve(time))

    def nodes_at(self, time: float) -> list[tuple[Node, float]]:
        """The nodes that a frame at a time is mixed of, with their shares, which sum to 1."""
        mixes = _between_steps(*self._mix.place(time))
        strengths = _between_levels(self._strengths, self.strength_at(time))
        canvases: list[tuple[float | None, float]] = [(None, 1.0)]
        if self._canvas is not None:
            canvases = [(level, share) for level, share in _between_levels(self._canvases, self.canvas_at(time))]
        found: dict[Node, float] = {}
        for (mix, one), (strength, other), (canvas, third) in product(mixes, strengths, canvases):
            amount = self._canvas_of(mix) if canvas is None else canvas
            node = self._node(mix, strength, amount)
            found[node] = found.get(node, 0.0) + one * other * third
        return [(node, share) for node, share in found.items() if share > 0]

    def _node(self, mix: Mapping[str, float], strength: float, canvas: float) -> Node:
        shares = ((self._numbers[name], round(strength * share, DIGITS)) for name, share in sorted(mix.items()))
        kept = tuple((number, share) for number, share in shares if share > 0)
        return Node(kept, round(canvas, DIGITS) if kept else 0.0)  # the base has no canvas

    def transitions(self) -> Iterator[tuple[Track, int, float, list[tuple[float, Node]]]]:
        """All changes of style and strength that take time.

        Yields:
            The track, the number of the change in it, the time of its middle, and nodes along it, each with the part of
            the change at which it lies, rising from 0 to 1.
        """
        for track in (self._mix, self._strength):
            for number, change in enumerate(track.changes):
                middle = change.at + change.ease / 2
                if change.ease > 0 and change.start != change.end:
                    yield track, number, middle, self._along(change, middle)

    def _along(self, change: Change, middle: float) -> list[tuple[float, Node]]:
        strength = _nearest_level(self._strengths, self.strength_at(middle))
        canvas = _nearest_level(self._canvases, self.canvas_at(middle)) if self._canvas is not None else None
        if isinstance(change.start, Mapping):
            mixes = [(step, _mixed(change.start, change.end, step), strength) for step in STEPS]
        else:
            start, end, _ = self._mix.place(middle)
            mix = _mixed(start, end, _nearest_level(STEPS, self._mix.place(middle)[2]))
            low, high = sorted((round(change.start, DIGITS), round(change.end, DIGITS)))
            between = [level for level in self._strengths if low <= level <= high]
            between = between if change.end > change.start else between[::-1]
            mixes = [((level - change.start) / (change.end - change.start), mix, level) for level in between]
        return [
            (part, self._node(mix, level, self._canvas_of(mix) if canvas is None else canvas))
            for part, mix, level in mixes
        ]

    def style_of(self, node: Node) -> Style:
        """The style of a node, with the styles that it lies between."""
        if node.shares not in self._made:
            self._made[node.shares] = self._style_of(node)
        return self._made[node.shares]

    def _style_of(self, node: Node) -> Style:
        from videostyle.styles.interpolation import interpolate

        if len(node.shares) == 1 and node.strength >= 1.0:
            return self.styles[node.shares[0][0]]
        if self.base is None:
            raise ValueError("a mix without a base")
        if not node.shares:
            return self.base
        mix = [(self.styles[number], share) for number, share in node.shares]
        return interpolate(self.base, mix, node.strength)


def _mixed(start: Mapping[str, float], end: Mapping[str, float], step: float) -> dict[str, float]:
    """The mix of styles at a step of a change, 0..1."""
    names = dict.fromkeys((*start, *end))
    mixed = {name: (1 - step) * start.get(name, 0.0) + step * end.get(name, 0.0) for name in names}
    return {name: part for name, part in mixed.items() if part > 0}


def _between_steps(
    start: Mapping[str, float], end: Mapping[str, float], share: float
) -> list[tuple[dict[str, float], float]]:
    """The mixes of styles at the two steps of a change around a share of it, with their own shares."""
    return [(_mixed(start, end, step), part) for step, part in _between_levels(STEPS, share)]


def _nearest_level(levels: Sequence[float], value: float) -> float:
    return min(levels, key=lambda level: abs(level - value))


def _between_levels(levels: Sequence[float], value: float) -> list[tuple[float, float]]:
    """The two levels around a value, with shares that have it as their mean; one where it is on it."""
    above = int(np.searchsorted(levels, value, side="left"))
    if above == 0 or above == len(levels):
        return [(levels[min(above, len(levels) - 1)], 1.0)]
    low, high = levels[above - 1], levels[above]
    part = (value - low) / (high - low)
    return [(low, 1 - part), (high, part)] if part < 1 else [(high, 1.0)]


def frame_timeline(
    source: TimelineSource, times: Sequence[float], segments: Mapping[Node, Sequence[KeyframeSegment]]
) -> FrameTimeline:
    """The timeline frame by frame.

    Args:
        source: the timeline.
        times: of the frames, seconds from the beginning of the clip.
        segments: the statistics that were measured.
    """
    known = {node: number for number, node in enumerate(segments)}
    mixes = [source.nodes_at(time) for time in times]
    most = max((len(mix) for mix in mixes), default=1)
    places, shares = np.zeros((len(times), most), np.int16), np.zeros((len(times), most), np.float32)
    for number, mix in enumerate(mixes):
        for place, (node, share) in enumerate(mix):
            places[number, place], shares[number, place] = known[_nearest(node, known)], share
    rows = [source.options_at(time) for time in times]
    return FrameTimeline(
        source.styles,
        source.base,
        tuple(known),
        tuple(tuple(segments[node]) for node in known),
        places,
        shares,
        np.array([source.canvas_at(time) for time in times], np.float32),
        {name: np.array([row[name] for row in rows], np.float32) for name in (rows[0] if rows else ())},
    )


def _nearest(node: Node, known: Iterable[Node]) -> Node:
    """A node that was measured: the same, or the one most like it."""

    def apart(other: Node) -> float:
        one, two = dict(node.shares), dict(other.shares)
        return sum(abs(one.get(n, 0) - two.get(n, 0)) for n in {*one, *two}) + abs(node.canvas - other.canvas)

    return node if node in known else min(known, key=apart)


# -- painting with it --------------------------------------------------------------------------------------------------


def weights_of(timeline: FrameTimeline, node: Node) -> Style:
    """The weights of a node, as a style whose card is that of its first style."""
    from videostyle.styles.interpolation import weighted_sum

    if len(node.shares) == 1 and node.strength >= 1.0:
        return timeline.styles[node.shares[0][0]]
    if timeline.base is None:
        raise ValueError("a mix without a base")
    parts = [(timeline.base, 1.0 - node.strength), *((timeline.styles[n], share) for n, share in node.shares)]
    return weighted_sum(timeline.styles[node.shares[0][0] if node.shares else 0].card, parts)


def use_timeline(style_processor: StyleProcessor, timeline: FrameTimeline | None) -> None:
    """Makes a style processor paint by a timeline, or without one."""
    if timeline is None:
        style_processor.use_mix(None)
        return
    nodes = [
        (weights_of(timeline, node), segments) for node, segments in zip(timeline.nodes, timeline.segments, strict=True)
    ]
    style_processor.use_mix(nodes, timeline.places, timeline.shares, timeline.canvas)


# -- on disk -----------------------------------------------------------------------------------------------------------


def timeline_arrays(timeline: FrameTimeline) -> tuple[dict[str, Any], dict[str, Any]]:
    """A timeline as arrays by name, and as JSON."""
    arrays: dict[str, Any] = {
        "timeline/places": timeline.places,
        "timeline/shares": timeline.shares,
        "timeline/canvas": timeline.canvas,
    }
    arrays |= named("timeline/option/", timeline.options)
    held = [*timeline.styles, *([timeline.base] if timeline.base is not None else [])]
    for number, style in enumerate(held):
        arrays |= named(f"timeline/style/{number}/", style.weights)
    shots = []
    for number, segments in enumerate(timeline.segments):
        statistics, of_node = segment_arrays(f"timeline/shot/{number}/", segments)
        arrays |= statistics
        shots.append(of_node)
    data = {
        "cards": [asdict(style.card) for style in held],
        "base": timeline.base is not None,
        "nodes": [[node.shares, node.canvas] for node in timeline.nodes],
        "shots": shots,
    }
    return arrays, data


def timeline_from_arrays(arrays: Mapping[str, Any], data: Mapping[str, Any]) -> FrameTimeline:
    """The inverse of ``timeline_arrays``; other arrays are ignored.

    Raises:
        KeyError, ValueError, TypeError: if something is missing.
    """
    from videostyle.styles.card import Style, card_from_json

    held = []
    for number, card in enumerate(data["cards"]):
        weights = under(f"timeline/style/{number}/", arrays)
        held.append(Style(card_from_json(json.dumps({**card, "format": 0})), weights))
    base = held.pop() if data["base"] else None
    segments = [segments_from(f"timeline/shot/{number}/", arrays, shots) for number, shots in enumerate(data["shots"])]
    return FrameTimeline(
        tuple(held),
        base,
        tuple(Node(tuple((int(n), float(s)) for n, s in shares), float(canvas)) for shares, canvas in data["nodes"]),
        tuple(segments),
        arrays["timeline/places"],
        arrays["timeline/shares"],
        arrays["timeline/canvas"],
        under("timeline/option/", arrays),
    )
