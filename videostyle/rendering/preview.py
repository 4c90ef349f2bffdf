"""Paints a few frames of a clip in many styles, or at many strengths, as a look ahead of a render."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from videostyle.errors import ModelError, UsageError
from videostyle.frames import FrameBatch, UInt8Array, VideoInfo
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import look_at, open_reader
from videostyle.media.timecode import TimePoint
from videostyle.processors.arrangement import arranged
from videostyle.processors.chain import Chain
from videostyle.processors.protocol import Processor
from videostyle.processors.registry import STYLE, Choice, make

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


def frames_of(path: str | Path, times: Sequence[TimePoint]) -> list[tuple[VideoInfo, UInt8Array, float]]:
    """Frames of a clip, shrunk to ``LONGEST``, each with its description and its time in seconds from the beginning.

    Args:
        path: a video, a picture, or a sequence of pictures.
        times: which frames; () = one, a third of the way through the clip.

    Raises:
        InputError: if the clip cannot be read.
        UsageError: if it has no such frame.
    """
    source = look_at(path)
    info = source.info
    found = []
    for time in times or [TimePoint(seconds=(info.duration or 0.0) / 3)]:
        start = None if info.still else time
        with open_reader(source, ReadOptions(batch_size=1, max_size=LONGEST, start=start)) as reader:
            batch = next(iter(reader), None)
            if batch is None:
                raise UsageError(f"there is no frame of '{source.path.name}' there", hint="give an earlier time")
            found.append((replace(reader.info, still=True), batch.frames[0], float(batch.pts[0]) - info.start))
    return found


def paint_looks(
    frames: Sequence[tuple[VideoInfo, UInt8Array, float]],
    looks: Sequence[Look],
    processors: Sequence[Choice] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[str, UInt8Array]]:
    """Paints each frame in each look. The network is compiled once; a look only has other weights.

    Args:
        frames: as ``frames_of`` gives them.
        looks: what to paint them with; one whose style is damaged is left out.
        processors: the other steps of the chain.
        on_progress: called with pictures painted since the last call, and their number in all.

    Yields:
        Name and picture ``[H, W, 3]``, the unpainted frame before those painted from it.
    """
    from videostyle.styles.resolve import resolve

    styles: list[tuple[str, Style]] = []
    for look in looks:
        try:
            styles.append((look.name, resolve(look.style, look.strength)))
        except ModelError:
            if len(looks) == 1:
                raise
    painters: dict[object, StyleProcessor] = {}  # by architecture
    total = len(frames) * len(styles)
    for info, frame, time in frames:
        at = f" at {time:.2f} s" if len(frames) > 1 else ""
        yield f"unpainted{at}", frame
        for name, style in styles:
            painter = painters.get(style.architecture) or _painter(style)
            painters[style.architecture] = painter
            yield name + at, _painted(frame, info, painter, style, processors)
            if on_progress is not None:
                on_progress(1, total)


def _painter(style: Style) -> StyleProcessor:
    from videostyle.processors.style import StyleProcessor

    return StyleProcessor(style, batch_size=1, always_canvas=True)


def _painted(
    frame: UInt8Array, info: VideoInfo, painter: StyleProcessor, style: Style, processors: Sequence[Choice]
) -> UInt8Array:
    from videostyle.inference.canvas_sampling import CanvasSettings

    painter.use_canvas(CanvasSettings(style.card.canvas))
    painter.use_style(style)
    choices = arranged(processors)
    made: list[Processor] = [_Measuring(painter) if choice.name == STYLE else make(choice) for choice in choices]
    chain = Chain(made, patient=False)
    chain.open(info)
    done = chain(FrameBatch(frame[None], np.zeros(1), 0))
    chain.close()
    if done is None:
        raise RuntimeError("a chain without look-ahead held a frame back")
    return np.asarray(done.frames[0], np.uint8)


class _Measuring:
    """A style processor that measures every batch anew."""

    def __init__(self, painter: StyleProcessor) -> None:
        self._painter = painter

    def open(self, info: VideoInfo) -> VideoInfo:
        return self._painter.open(info)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        from videostyle.network.statistics import KeyframeSegment

        self._painter.use_shots([KeyframeSegment(0, self._painter.statistics_of(batch.frames))])
        return self._painter(batch)

    def close(self) -> None:
        """The painter is kept for the next look."""
