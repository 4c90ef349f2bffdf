"""The planning pass: where the shots of a clip begin, and the style's statistics along each.

One pass over the decoded frames finds the cuts and keeps a few frames of the part of a shot at hand, spread over
it; when the part ends they are measured and dropped. The answer depends on the frames alone: the same clip gives
the same shots and statistics whoever renders which part of it. Of frames no more are kept for a longer clip.

It is kept cheap beside painting: frames are looked at as they leave the decoder, every few pixels; only those
that are measured are converted; and they are measured by other threads while the clip is read on.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import UInt8Array
from videostyle.media.opencv import load_cv2
from videostyle.network.statistics import FAR, Hold, Span, difference, one_scene, pooled, spans

if TYPE_CHECKING:
    from videostyle.network.style_network import Statistics

Measured = TypeVar("Measured")

PART = 240  # frames of a shot that are measured together; a longer shot has several parts
# Frames of a part that statistics are measured on, in the middle of as many equal pieces of it; beside and between
# those that are far from each other, others as well, CLOSE apart.
SAMPLES = 4
FRAMES_A_SAMPLE = 24  # a shorter part is measured on fewer: each costs as much as painting a frame
CLOSE = 8
FADED = 0.5  # share of another frame's contrast below which a frame that looks like it is taken for part of a fade
ALIKE = 0.8  # correlation of thumbnails that look like each other
EVEN = 0.004  # contrast, of 1, of a frame that shows nothing
WAITING_BYTES = 1 << 30  # of frames that wait to be measured
THUMBNAIL = (32, 18)  # width, height at which frames are compared
LOOK = 4  # pixels across in each of a thumbnail's, at least: more of them cost time and tell no more of a cut
CUT = 0.16  # mean change of a thumbnail's values, of 1, that a cut exceeds...
CUT_IN_THE_DARK = 0.06  # ...or this, where the picture does not look like the one before: dark scenes change less
OTHER = 0.6  # correlation of thumbnails below which they do not; across cuts it is below 0.5
CUT_RATIO = 3.5  # times the recent change that either exceeds, so that a fast pan is not cut to pieces
SHORTEST = 8  # frames; a flash or a strobe is not a row of shots
PROGRESS_EVERY = 32  # frames


BYTES_A_PIXEL = 0.1  # of a painted frame as x264 stores it: 0.05 to 0.15 on clips of all kinds
CHUNK = 240  # frames of a chunk at most: ten seconds, and no more than an encoder puts between two key frames
CHUNK_AT_CUT = 120  # a chunk of at least this many ends where a shot does


@dataclass(frozen=True)
class Plan:
    """All that must be known before any part of a clip can be painted alone.

    Attributes:
        shots: which statistics hold from which frame on, in order; a shot has one span or more.
        chunks: number of the first frame and frames of each chunk, in order, without gaps.
        times: time of every frame in seconds on the source's clock.
        warnings: what the source said of the clip; () means that it is intact.
    """

    shots: tuple[Span, ...]
    chunks: tuple[tuple[int, int], ...]
    times: tuple[float, ...]
    warnings: tuple[str, ...] = ()


def chunk_borders(frames: int, cuts: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """First frame and length of each chunk: at most ``CHUNK`` frames, ended by a cut where one comes late enough.

    The rule looks at the clip alone, never at workers: the encoder begins anew at every border, so that borders
    are part of what the output looks like.

    Args:
        frames: of the clip.
        cuts: numbers of the first frames of shots.
    """
    chunks, first, cuts = [], 0, sorted(cuts)
    while first < frames:
        late = [cut for cut in cuts if first + CHUNK_AT_CUT <= cut <= first + CHUNK]
        end = min(frames, late[-1] if late else first + CHUNK)
        chunks.append((first, end - first))
        first = end
    return tuple(chunks)


@dataclass(frozen=True)
class Shot(Generic[Measured]):
    """A run of frames between two cuts: number of its first frame, frames in it, what was measured of its parts."""

    first: int
    frames: int
    parts: tuple[Measured, ...]


class Readable(Protocol):
    """What planning needs of a source (``media.readers.base.FrameReader``)."""

    def raw_frames(self) -> Iterator[tuple[UInt8Array, float]]:
        """All frames as they leave the decoder, with their times in seconds."""

    def delivered(self, picture: UInt8Array) -> UInt8Array:
        """Such a frame as it will be painted."""


def thumbnail(frame: UInt8Array) -> NDArray[np.float32]:
    """A small picture 0..1 of a frame uint8 ``[H, W, 3]``, from every few pixels of it."""
    cv2 = load_cv2()
    step = max(1, min(frame.shape[0] // (LOOK * THUMBNAIL[1]), frame.shape[1] // (LOOK * THUMBNAIL[0])))
    sparse = np.ascontiguousarray(frame[::step, ::step])
    small = cv2.resize(sparse, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
    return np.asarray(cv2.GaussianBlur(small, (3, 3), 0), np.float32)


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Correlation of the light of two thumbnails, -1..1; 0 where one of them is even."""
    light, others = (picture.mean(axis=2) - picture.mean() for picture in (one, other))
    return float((light * others).mean()) / math.sqrt(float((light**2).mean() * (others**2).mean()) + 1e-12)


def faded(frames: Mapping[int, UInt8Array]) -> set[int]:
    """Numbers of frames that show what another of them shows in less than half of its contrast: parts of a fade.

    Measured by itself such a frame would be painted at full strength, and the fade be gone; painted with the
    statistics of the others it fades.
    """
    small = {number: thumbnail(frame) for number, frame in frames.items()}
    energy = {number: float(picture.mean(axis=2).var()) for number, picture in small.items()}

    def fades(one: int, other: int) -> bool:
        if energy[one] >= FADED**2 * energy[other]:
            return False
        return likeness(small[one], small[other]) > ALIKE or energy[one] < EVEN**2

    return {one for one in small if any(fades(one, other) for other in small)}


class CutDetector:
    """Says of each frame whether a new shot begins with it, from small pictures of it and of the frame before."""

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._recent = 0.02
        self._length = 0

    def __call__(self, frame: UInt8Array) -> bool:
        """Takes the next frame, uint8 ``[H, W, 3]``, channels in any order; True if it is the first of a shot."""
        small = thumbnail(frame)
        before, self._before = self._before, small
        self._length += 1
        if before is None:
            return True
        change = float(np.abs(small - before).mean())
        sudden = change > CUT_RATIO * self._recent and self._length > SHORTEST
        cut = sudden and (change > CUT or (change > CUT_IN_THE_DARK and likeness(small, before) < OTHER))
        if cut:
            self._length = 0
        else:
            self._recent = max(0.8 * self._recent + 0.2 * change, 0.01)
        return cut


class SpreadSample:
    """Keeps at most ``4 * size`` of the frames it is given, evenly spread, without knowing how many will come.

    Args:
        size: frames to choose in the end.
        first: number of the first frame.
    """

    def __init__(self, size: int, first: int = 0) -> None:
        self._size, self._first = size, first
        self._step, self._seen = 1, 0
        self._kept: list[UInt8Array] = []

    def add(self, frame: UInt8Array) -> None:
        """Takes the next frame, which must not change afterwards."""
        if self._seen % self._step == 0:
            self._kept.append(frame)
            if len(self._kept) > 4 * self._size:
                self._kept = self._kept[::2]
                self._step *= 2
        self._seen += 1

    def frames(self) -> dict[int, UInt8Array]:
        """The frames that are kept, by number."""
        return {self._first + number * self._step: frame for number, frame in enumerate(self._kept)}

    def chosen(self) -> list[int]:
        """Numbers of frames in the middle of equal pieces of all: ``size``, fewer where few were seen.

        A single one is chosen only of less than ``FRAMES_A_SAMPLE`` frames: it tells of no change.
        """
        count = min(self._size, self._seen // FRAMES_A_SAMPLE)
        count = max(count, min(2, 1 + self._seen // FRAMES_A_SAMPLE))
        return self._nearest((2 * piece + 1) * self._seen / (2 * count) - 0.5 for piece in range(count))

    def between(self, low: int, high: int) -> list[int]:
        """Numbers of kept frames that cut the way between two into equal steps, of ``CLOSE`` frames if they can."""
        count = -(-(high - low) // CLOSE) or 1
        found = self._nearest(low - self._first + step * (high - low) / count for step in range(1, count))
        return [number for number in found if low < number < high]

    def _nearest(self, places: Iterable[float]) -> list[int]:
        kept = (min(len(self._kept) - 1, round(place / self._step)) for place in places)
        return [self._first + place * self._step for place in dict.fromkeys(kept)]


@dataclass(frozen=True)
class Part:
    """Some frames of a part of a shot, to be measured.

    Attributes:
        chosen: numbers of the frames to measure.
        gaps: between each of these and the next, numbers of frames to measure as well where the two are far from
            each other; the first and the last gap go on to the part's ends.
        picture: gives one of these frames as it will be painted, uint8 ``[H, W, 3]`` RGB.
    """

    chosen: list[int]
    gaps: list[list[int]]
    picture: Callable[[int], UInt8Array]


def measured(part: Part, measure: Callable[[UInt8Array], Statistics]) -> list[Hold]:
    """The statistics along a part of a shot: one set where it shows one scene, else one for each frame measured.

    Args:
        part: the frames.
        measure: gives statistics of frames uint8 ``[K, H, W, 3]`` (``StyleProcessor.statistics_of``).
    """

    def at(numbers: Iterable[int]) -> dict[int, Statistics]:
        return {number: measure(part.picture(number)[None]) for number in numbers}

    found = at(part.chosen)
    if one_scene(list(found.values())):
        return [Hold(part.chosen[0], part.chosen[-1], pooled(list(found.values())), len(found))]
    for (one, other), gap in zip(pairwise(part.chosen), part.gaps, strict=True):
        if difference(found[one], found[other]) > FAR:
            found |= at(gap)
    return [Hold(number, number, found[number]) for number in sorted(found)]


def spans_of(shots: Iterable[Shot[list[list[Hold]]]], number: int) -> tuple[Span, ...]:
    """Which statistics of a style hold from which frame on; it is the one ``number`` of those that were measured."""
    return tuple(
        span for shot in shots for span in spans(chain.from_iterable(part[number] for part in shot.parts), shot.first)
    )


def plan_shots(
    source: Readable,
    measure: Callable[[Part], Measured],
    progress: Callable[[int], None] | None = None,
) -> tuple[list[Shot[Measured]], list[float]]:
    """Finds the shots of a clip and measures each.

    Args:
        source: gives all frames in order.
        measure: measures a part of a shot (``measured``); called by several threads at once.
        progress: called with a number of frames that were looked at.

    Returns:
        The shots, and every frame's time in seconds on the source's clock.
    """
    shots: list[tuple[int, int, list[Future[Measured]]]] = []
    parts: list[Future[Measured]] = []  # of the shot at hand
    waiting: list[Future[Measured]] = []
    times: list[float] = []
    detector, sample, first, part = CutDetector(), SpreadSample(SAMPLES), 0, 0
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers, thread_name_prefix="measure") as pool:

        def end_part() -> None:
            # Parts that wait hold their frames: no more of them than are worked on, and than there is room for.
            size = sum(frame.nbytes for frame in sample.frames().values())
            while len(waiting) > min(workers, WAITING_BYTES // size):
                waiting.pop(0).result()
            waiting.append(pool.submit(measure, _part(source, sample)))
            parts.append(waiting[-1])

        told = 0
        for picture, time in source.raw_frames():
            number = len(times)
            cut = detector(picture) and number > first
            if cut or number - part == PART:
                end_part()
                part, sample = number, SpreadSample(SAMPLES, number)
            if cut:
                shots.append((first, number - first, parts))
                first, parts = number, []
            sample.add(picture)
            times.append(time)
            if progress is not None and len(times) - told >= PROGRESS_EVERY:
                progress(len(times) - told)
                told = len(times)
        if len(times) > first:
            end_part()
            shots.append((first, len(times) - first, parts))
        if progress is not None and len(times) > told:
            progress(len(times) - told)
        return [Shot(first, count, tuple(part.result() for part in found)) for first, count, found in shots], times


def _part(source: Readable, sample: SpreadSample) -> Part:
    frames = sample.frames()
    gone = faded(frames)
    whole = [number for number in frames if number not in gone]  # the frame of the most contrast at least
    chosen = [number for number in sample.chosen() if number in whole] or whole[:1]
    gaps = [sample.between(low, high) for low, high in pairwise(chosen)]
    if gaps:
        start, end = min(frames), max(frames)
        gaps[0] = [start, *sample.between(start, chosen[0]), *gaps[0]]
        gaps[-1] = [*gaps[-1], *sample.between(chosen[-1], end), end]
    gaps = [[number for number in gap if number in whole] for gap in gaps]
    needed = {number: frames[number] for number in {*chosen, *chain.from_iterable(gaps)}}
    return Part(chosen, gaps, cache(lambda number: source.delivered(needed[number])))
