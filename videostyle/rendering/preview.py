"""Paints a few frames of a clip in many styles, or at many strengths, to choose before a render."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from videostyle.errors import ModelError
from videostyle.frames import FrameBatch, UInt8Array, VideoInfo, joined
from videostyle.media.readers.base import FrameReader, Input, ReadOptions
from videostyle.media.readers.open import look_at, open_reader
from videostyle.media.timecode import TimePoint
from videostyle.processors.chain import Chain, Part, needs_together
from videostyle.processors.region_painting import ShownRegions
from videostyle.processors.regions.kinds import RegionChoice, make_mask
from videostyle.processors.registry import STYLE, Choice, make
from videostyle.rendering.chain import processors_of
from videostyle.rendering.layers import layer_styles
from videostyle.rendering.settings import RenderSettings, settings_from

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor
    from videostyle.styles.card import Style

LONGEST = 960  # pixels; longest side at which frames are painted: strokes are a little larger than those of a render
STRENGTHS = (0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Look:
    """What to paint a frame with: a style at a strength, and its name on the sheet."""

    name: str
    style: str
    strength: float = 1.0


def looks_of(styles: Sequence[str]) -> list[Look]:
    """The given styles at five strengths each; all styles that can be named, if none are given."""
    from videostyle.styles import gallery

    if styles:
        return [Look(f"{name} {strength:g}", name, strength) for name in styles for strength in STRENGTHS]
    return [Look(entry.name, entry.name) for entry in gallery.entries()]


@dataclass(frozen=True)
class Shown:
    """A frame of a clip, with those around it that processors and regions look at.

    Attributes:
        info: of the frames.
        frames: consecutive frames, shrunk to ``LONGEST``.
        at: number in ``frames`` of the one to paint.
        time: of that one, seconds from the beginning of the clip.
    """

    info: VideoInfo
    frames: FrameBatch
    at: int
    time: float

    @property
    def picture(self) -> UInt8Array:
        """The frame to paint, uint8 ``[H, W, 3]``."""
        return np.asarray(self.frames.frames[self.at], np.uint8)


def frames_of(path: str | Path, times: Sequence[TimePoint], around: tuple[int, int] = (0, 0)) -> list[Shown]:
    """Frames of a clip.

    Args:
        path: a video, a picture, or a sequence of pictures.
        times: which frames; () = one, a third of the way through the clip.
        around: how many frames before and behind each are read as well.

    Raises:
        InputError: if the clip cannot be read.
        UsageError: if it has no such frame.
    """
    source = look_at(path)
    info = source.info
    found = []
    for time in times or [TimePoint(seconds=(info.duration or 0.0) / 3)]:
        with _reader(source, None if info.still else time) as reader:
            batch = next(iter(reader))
            shown = Shown(reader.info, batch, 0, float(batch.pts[0]) - info.start)
        found.append(_with_neighbours(source, shown, around) if any(around) and not info.still else shown)
    return found


def _reader(source: Input, start: TimePoint | None) -> FrameReader:
    return open_reader(source, ReadOptions(batch_size=1, max_size=LONGEST, start=start))


def _with_neighbours(source: Input, shown: Shown, around: tuple[int, int]) -> Shown:
    """The frame with those before and behind it."""
    rate = float(source.info.fps or 25)
    batches: list[FrameBatch] = []
    at, last = 0, None
    with _reader(source, TimePoint(seconds=max(0.0, shown.time - (around[0] + 0.5) / rate))) as reader:
        for batch in reader:
            if last is None and batch.pts[0] >= shown.frames.pts[0] - 1e-6:
                at = len(batches)
                last = at + around[1]
            batches.append(replace(batch, index=len(batches)))
            if last is not None and len(batches) > last:
                break
    first = max(0, at - around[0])
    whole = joined(batches)
    return replace(shown, frames=replace(whole.part(first, len(whole)), index=0), at=at - first)


def paint_looks(
    shown: Sequence[Shown],
    looks: Sequence[Look],
    processors: Sequence[Choice] = (),
    regions: Sequence[RegionChoice] = (),
    show_region: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[str, UInt8Array]]:
    """Paints each frame in each look. The network is compiled once; a look only has other weights.

    Args:
        shown: as ``frames_of`` gives them.
        looks: what to paint them with; one whose style is damaged is left out.
        processors: the other steps of the chain.
        regions: parts of the frame that limit the painting, or are painted otherwise.
        show_region: show these once instead of painting: "overlay" or "mask"; None = paint.
        on_progress: called with pictures painted since the last call, and their number in all.

    Yields:
        Name and picture ``[H, W, 3]``, the unpainted frame before those painted from it.
    """
    from videostyle.styles.resolve import resolve

    chosen = looks if show_region is None else [Look("regions", looks[0].style)]
    styles: list[tuple[Look, RenderSettings, list[Style]]] = []
    for look in chosen:
        more = {"processors": tuple(processors), "regions": tuple(regions), "show_region": show_region}
        settings = settings_from({"style": look.style, "strength": look.strength, **more})
        try:
            styles.append((look, settings, [resolve(look.style, look.strength), *layer_styles(settings)]))
        except ModelError:
            if len(chosen) == 1:
                raise
    painters: dict[object, StyleProcessor] = {}  # by architecture
    total = len(shown) * len(styles)
    for frame in shown:
        at = f" at {frame.time:.2f} s" if len(shown) > 1 else ""
        yield f"unpainted{at}", frame.picture
        for look, settings, found in styles:
            yield look.name + at, _painted(frame, [_Measuring(style, painters) for style in found], settings)
            if on_progress is not None:
                on_progress(1, total)


def neighbours_of(processors: Sequence[Choice], regions: Sequence[RegionChoice]) -> tuple[int, int]:
    """How many frames before and behind a frame processors and regions look at."""
    made = [make(choice) for choice in processors if choice.name != STYLE]
    return needs_together([*made, ShownRegions([make_mask(choice) for choice in regions], True)] if regions else made)


def _painted(shown: Shown, painters: Sequence[_Measuring], settings: RenderSettings) -> UInt8Array:
    chain = Chain(processors_of(painters[0], settings, painters[1:]), Part(shown.at, 1))
    chain.open(shown.info)
    done = [part for part in (chain(shown.frames), chain.finish()) if part is not None]
    chain.close()
    return np.asarray(joined(done).frames[0], np.uint8)


class _Measuring:
    """Paints with a style, and measures every batch anew.

    Args:
        style: what to paint with.
        painters: those that are compiled, by architecture; all styles of one share it.
    """

    output = "rgb24"

    def __init__(self, style: Style, painters: dict[object, StyleProcessor]) -> None:
        from videostyle.processors.style import StyleProcessor

        if style.architecture not in painters:
            painters[style.architecture] = StyleProcessor(style, batch_size=1, always_canvas=True)
        self._painter, self._style = painters[style.architecture], style

    def open(self, info: VideoInfo) -> VideoInfo:
        return self._painter.open(info)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        from videostyle.inference.canvas_sampling import CanvasSettings
        from videostyle.network.statistics import KeyframeSegment

        self._painter.use_canvas(CanvasSettings(self._style.card.canvas))
        self._painter.use_style(self._style)
        self._painter.use_shots([KeyframeSegment(0, self._painter.statistics_of(batch.frames))])
        return self._painter(batch)

    def close(self) -> None:
        """The painter is kept for the next look."""
