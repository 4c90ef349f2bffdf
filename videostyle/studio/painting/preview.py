"""Paints one frame of a clip as a render paints it, or quickly and nearly so.

All methods run in one thread (``preview_thread``): the painter holds compiled programs and weights.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from videostyle.errors import InputError
from videostyle.frames import FrameBatch, UInt8Array, VideoInfo
from videostyle.media.scaling import shrunk
from videostyle.motion.sampling import FramesToMeasure
from videostyle.network.statistics import KeyframeSegment, Statistics, keyframe_segments
from videostyle.processors.chain import Chain, Part, needs_together
from videostyle.processors.protocol import Borrowed
from videostyle.rendering.chain import Preparation
from videostyle.rendering.layers import PlannedLayer, layer_styles
from videostyle.rendering.plan import Plan
from videostyle.rendering.settings import RenderSettings, to_json
from videostyle.studio.clips import Clip, Clips, Frame
from videostyle.studio.loading import load
from videostyle.studio.painting.survey import Survey

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor
    from videostyle.styles.card import Style

KEPT_PAINTERS = 4  # compiled for a size and a network
KEPT_STATISTICS = 512
QUICK = 256  # pixels; longest side at which a frame is measured for a quick preview
MOST_SECTIONS = 8  # of a shot that are measured for a preview; a longer shot is measured around the frame
MOST_NEIGHBOURS = 32  # frames before or behind the one that is painted


@dataclass(frozen=True)
class Painted:
    """A painted frame.

    Attributes:
        picture: uint8 ``[H, W, 3]`` RGB.
        frame: what it was painted from.
        plan: "still", "planned" (both: as a render paints it) or "approximate".
        seconds: that painting took.
    """

    picture: UInt8Array
    frame: Frame
    plan: str
    seconds: float


class PreviewPainter:
    """Paints previews.

    Args:
        clips: reads the frames.

    Attributes:
        at_once: paint approximate pictures without compiling: the first one comes sooner, each one takes longer.
    """

    def __init__(self, clips: Clips) -> None:
        self._clips, self.at_once = clips, False
        self._hurry = False  # whether the picture in work is painted without compiling
        self._painters: OrderedDict[Hashable, StyleProcessor] = OrderedDict()
        self._statistics: OrderedDict[Hashable, Statistics] = OrderedDict()

    def paint(
        self,
        clip: Clip,
        number: int,
        size: int,
        settings: RenderSettings,
        survey: Survey | None,
        plan: Plan | None = None,
        *,
        quick: bool = False,
    ) -> Painted:
        """Paints a frame.

        Args:
            clip: the clip.
            number: of the frame.
            size: longest side of the painted frame, pixels.
            settings: of the render.
            survey: of the clip; None = not made yet.
            plan: of a render of this size with these settings; None = the shot is measured here.
            quick: measure this frame alone, shrunk.

        Raises:
            VideostyleError: if it cannot be painted.
        """
        began = time.monotonic()
        size = min(size, settings.max_size or size)
        frame = self._clips.frame(clip, number, size)
        still = clip.source.info.still
        part = any((settings.start, settings.end, settings.fps))
        timed = bool(settings.timeline or settings.strength_from) and not still
        how = "still" if still else "planned"
        self._hurry = self.at_once and plan is None and survey is None and not still
        if plan is None:
            if timed:
                settings = at_time(settings, frame.time, clip)
            exact = survey is not None and not quick and not timed and not part
            plan, whole = self._planned(clip, frame, size, settings, survey if exact else None, quick=quick)
            if survey is not None:
                plan = replace(plan, meshes=survey.meshes)
            if not still and not (exact and whole):
                how = "approximate"
        picture = self._painted(clip, frame, size, settings, plan)
        return Painted(picture, frame, how, time.monotonic() - began)

    # -- painting ----------------------------------------------------------------------------------------------------

    def _painted(
        self,
        clip: Clip,
        frame: Frame,
        size: int,
        settings: RenderSettings,
        plan: Plan,
    ) -> UInt8Array:
        from videostyle.rendering.painting import planned_chain

        painter = self._painters_of(settings, frame.picture.shape)[0]
        processors = [Borrowed(one) for one in planned_chain(painter, settings, plan)]
        history, lookahead = (min(MOST_NEIGHBOURS, count) for count in needs_together(processors))
        first, last = max(0, frame.number - history), frame.number + lookahead
        line = Chain(processors, Part(frame.number, 1, [begin for begin, _ in plan.chunks if begin <= frame.number]))
        info = _info(clip, frame)
        try:
            line.open(info)
            for number in range(first, last + 1):
                one = frame if number == frame.number else self._clips.frame(clip, number, size)
                if one.number != number:
                    break  # behind the end
                batch = FrameBatch(one.picture[None], np.array([one.pts]), number)
                if (done := line(batch)) is not None:
                    return np.asarray(done.frames[-1], np.uint8)
            if (done := line.finish()) is not None:
                return np.asarray(done.frames[-1], np.uint8)
        finally:
            line.close()
        raise InputError(f"frame {frame.number} was not painted", hint="try another one")

    def _painters_of(self, settings: RenderSettings, shape: Sequence[int]) -> list[StyleProcessor]:
        """The style processor of a render, and those of the regions that it paints otherwise, with their styles."""
        load()
        from videostyle.inference.backends.current import backend
        from videostyle.inference.canvas_sampling import CanvasSettings
        from videostyle.processors.style import StyleProcessor
        from videostyle.rendering.layer_painters import painters_of
        from videostyle.styles.resolve import resolve

        style = resolve(settings.style, settings.strength)
        key = style.architecture, settings.stroke_size, tuple(shape[:2])
        if key not in self._painters:
            self._painters[key] = StyleProcessor(
                style, batch_size=1, always_canvas=True, stroke_size=settings.stroke_size
            )
        self._painters.move_to_end(key)
        while len(self._painters) > KEPT_PAINTERS:
            self._painters.popitem(last=False)[1].close()
        painter = self._painters[key]
        painter.use_style(style)
        painter.use_mix(None)
        found = [painter, *painters_of(painter, settings, layer_styles(settings))]
        hurry = self._hurry and not backend().SLOW_TO_COMPILE
        for one in found:
            one.measurement.at_once = hurry
            amount = one.style.card.canvas if settings.canvas is None else settings.canvas
            one.use_canvas(CanvasSettings(amount, settings.seed))
        return found

    # -- measuring ---------------------------------------------------------------------------------------------------

    def _planned(
        self, clip: Clip, frame: Frame, size: int, settings: RenderSettings, survey: Survey | None, *, quick: bool
    ) -> tuple[Plan, bool]:
        """A plan of the shot of a frame, and whether the whole shot was measured.

        Args:
            clip: the clip.
            frame: that will be painted.
            size: of the frames.
            settings: of the render.
            survey: of the clip, by which the shot is measured as a render does; None = the frame alone is.
            quick: shrink the frame.
        """
        painters = self._painters_of(settings, frame.picture.shape)
        found, whole = [], True
        with _Prepared(settings, _info(clip, frame)) as prepared:
            for painter in painters:
                if survey is not None:
                    segments, all_of_it = self._of_shot(clip, frame, size, painter, survey, prepared)
                    whole = whole and all_of_it
                else:
                    shown = frame if quick else prepared.frame(frame)
                    key = clip.key, size, "" if quick else prepared.key
                    segments = (KeyframeSegment(0, self._measured(painter, shown, key, quick=quick)),)
                found.append(segments)
        layers = tuple(
            PlannedLayer(painter.style, segments) for painter, segments in zip(painters[1:], found[1:], strict=True)
        )
        return Plan(found[0], ((0, 1 << 30),), (), layers=layers), whole

    def _of_shot(
        self,
        clip: Clip,
        frame: Frame,
        size: int,
        painter: StyleProcessor,
        survey: Survey,
        prepared: _Prepared,
    ) -> tuple[tuple[KeyframeSegment, ...], bool]:
        from videostyle.rendering.shots import measure_section

        shot = survey.shot_of(frame.number)
        sections = list(shot.sections)
        whole = len(sections) <= MOST_SECTIONS
        if not whole:
            at = next(n for n, one in enumerate(sections) if frame.number < one.span[1] or n + 1 == len(sections))
            first = max(0, min(at - MOST_SECTIONS // 2, len(sections) - MOST_SECTIONS))
            sections = sections[first : first + MOST_SECTIONS]
        measurements = []
        for section in sections:

            def picture(number: int) -> UInt8Array:
                return self._clips.frame(clip, number, size).picture

            seen = prepared(section.to_measure(picture))
            measurements.append(measure_section(*self._noted(painter, seen, (clip.key, size, prepared.key))))
        return tuple(keyframe_segments(chain.from_iterable(measurements), shot.first)), whole

    def _noted(
        self, painter: StyleProcessor, seen: FramesToMeasure, key: Hashable
    ) -> tuple[FramesToMeasure, Callable[[UInt8Array], Statistics]]:
        """Frames to measure, and what measures them: it knows the number of the frame that it was given last."""
        last = 0

        def picture(number: int) -> UInt8Array:
            nonlocal last
            last = number
            return seen.picture(number)

        def measure(frames: UInt8Array) -> Statistics:
            return self._measured(painter, Frame(frames[0], last, 0.0, 0.0), key)

        return replace(seen, picture=picture), measure

    def _measured(self, painter: StyleProcessor, frame: Frame, key: Hashable, *, quick: bool = False) -> Statistics:
        """Statistics of a frame for the style of a painter, as ``StyleProcessor.statistics_of`` gives them; kept.

        The colours of the ends of an interpolated style do not depend on the strength, and are kept apart.

        Args:
            painter: measures.
            frame: what to measure.
            key: tells this frame, with its number, from others.
            quick: shrink the frame first.
        """
        picture = (shrunk(frame.picture, QUICK) if quick else frame.picture)[None]

        measurement, about = painter.measurement, (painter.canvas, quick, key, frame.number)

        def of_end(end: Style) -> Statistics:
            name = repr(end.card), about
            return self._kept(name, lambda: measurement.network_statistics(picture, end, colour=True))

        style = painter.style
        name = repr(style.card), tuple((repr(end.card), share) for end, share in style.ends), about
        return self._kept(name, lambda: measurement.statistics(picture, style, of_end=of_end))

    def _kept(self, key: Hashable, made: Callable[[], Statistics]) -> Statistics:
        if key not in self._statistics:
            self._statistics[key] = made()
        self._statistics.move_to_end(key)
        while len(self._statistics) > KEPT_STATISTICS:
            self._statistics.popitem(last=False)
        return self._statistics[key]

    def close(self) -> None:
        """Frees programs and weights."""
        for painter in self._painters.values():
            painter.close()
        self._painters.clear()


class _Prepared:
    """What happens to frames before they are measured (``rendering.chain.Preparation``)."""

    def __init__(self, settings: RenderSettings, info: VideoInfo) -> None:
        self._preparation = Preparation(settings, info)
        self.key = str(to_json(settings)["processors"])

    def __call__(self, frames: FramesToMeasure) -> FramesToMeasure:
        return self._preparation(frames)

    def frame(self, frame: Frame) -> Frame:
        """A frame as it will be painted."""
        found = self(FramesToMeasure([frame.number], [], lambda _: frame.picture))
        return replace(frame, picture=found.picture(frame.number))

    def __enter__(self) -> _Prepared:
        return self

    def __exit__(self, *_: object) -> None:
        self._preparation.close()


def _info(clip: Clip, frame: Frame) -> VideoInfo:
    """The description of a clip whose frames have the size of this one."""
    height, width = frame.picture.shape[:2]
    return replace(clip.source.info, width=width, height=height)


def at_time(settings: RenderSettings, seconds: float, clip: Clip) -> RenderSettings:
    """Settings without a timeline that come nearest to what its render has at a time.

    Args:
        settings: of the render.
        seconds: from the beginning of the clip.
        clip: the clip.
    """
    from videostyle.processors.curve import curve_of
    from videostyle.processors.timeline import snapped
    from videostyle.rendering.frame_timeline import TimelineSource

    curve = curve_of(settings.strength_from, clip.source)
    rate = float(clip.source.info.fps or 25)
    source = TimelineSource(settings, snapped(settings.timeline, (), rate), curve)
    mix = source.mix_at(seconds)
    options: dict[str, dict[str, float]] = {}
    for name, value in source.options_at(seconds).items():
        processor, _, option = name.partition(".")
        options.setdefault(processor, {})[option.replace("-", "_")] = value
    return replace(
        settings,
        style=next(iter(mix)) if len(mix) == 1 else ",".join(f"{name}:{share:.4f}" for name, share in mix.items()),
        strength=min(1.0, max(0.0, source.strength_at(seconds))),
        canvas=min(1.0, max(0.0, source.canvas_at(seconds))),
        processors=tuple(
            replace(choice, options={**choice.options, **options.get(choice.name, {})})
            for choice in settings.processors
        ),
        timeline=(),
        strength_from=None,
    )
