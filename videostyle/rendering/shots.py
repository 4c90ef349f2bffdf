"""Finds the shots of a clip and the statistics along each, in one pass over the decoded frames.

A few frames, spread over a section of a shot, are kept until the section ends, and are then measured. The result
depends on the frames alone, so it is the same for every worker. Memory does not grow with the length of the clip.

The pass is cheap compared with painting: cuts are detected on a subset of the pixels of unconverted frames, only
measured frames are converted, and other threads measure them while reading continues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from videostyle.frames import UInt8Array
from videostyle.motion.cuts import CutDetector
from videostyle.motion.sampling import SAMPLES, FramesToMeasure, SpreadSample, frames_to_measure
from videostyle.network.statistics import (
    FAR,
    KeyframeSegment,
    Measurement,
    difference,
    keyframe_segments,
    one_scene,
    pooled,
)
from videostyle.resources import usable_cores

if TYPE_CHECKING:
    from videostyle.network.statistics import Statistics

T = TypeVar("T")

SECTION = 240  # largest number of frames of a shot that are measured together; a longer shot has several sections
WAITING_BYTES = 1 << 30  # memory for frames that wait to be measured
PROGRESS_EVERY = 32  # frames


@dataclass(frozen=True)
class Shot(Generic[T]):
    """The frames between two cuts.

    Attributes:
        first: number of its first frame.
        frames: number of frames.
        sections: the measurement of each of its sections, in order.
    """

    first: int
    frames: int
    sections: tuple[T, ...]


class FrameReader(Protocol):
    """The part of a reader that planning needs (``media.readers.base.FrameReader``)."""

    def raw_frames(self) -> Iterator[tuple[UInt8Array, float]]:
        """All frames as decoded, with their times in seconds."""

    def delivered(self, picture: UInt8Array) -> UInt8Array:
        """Converts such a frame to what is painted, uint8 ``[H, W, 3]`` RGB."""


def measure_section(frames: FramesToMeasure, measure: Callable[[UInt8Array], Statistics]) -> list[Measurement]:
    """The statistics along a section of a shot: one measurement if it shows one scene, else one for each frame.

    Args:
        frames: frames of the section to measure.
        measure: returns the statistics of frames uint8 ``[K, H, W, 3]`` RGB (``StyleProcessor.statistics_of``).
    """
    return measure_numbers(frames, lambda number: measure(frames.picture(number)[None]))


def measure_numbers(frames: FramesToMeasure, measure: Callable[[int], Statistics]) -> list[Measurement]:
    """As ``measure_section``; ``measure`` gets the number of a frame."""

    def at(numbers: Iterable[int]) -> dict[int, Statistics]:
        return {number: measure(number) for number in numbers}

    found = at(frames.chosen)
    if one_scene(list(found.values())):
        return [Measurement(frames.chosen[0], frames.chosen[-1], pooled(list(found.values())), len(found))]
    for (one, other), gap in zip(pairwise(frames.chosen), frames.gaps, strict=True):
        if difference(found[one], found[other]) > FAR:
            found |= at(gap)
    return [Measurement(number, number, found[number]) for number in sorted(found)]


def segments_of(shots: Iterable[Shot[list[list[Measurement]]]], style: int) -> tuple[KeyframeSegment, ...]:
    """The keyframe segments for one style: number ``style`` in the list of measurements of each section."""
    return tuple(
        segment
        for shot in shots
        for segment in keyframe_segments(chain.from_iterable(section[style] for section in shot.sections), shot.first)
    )


def find_shots(
    source: FrameReader,
    measure: Callable[[FramesToMeasure], T],
    on_progress: Callable[[int], None] | None = None,
    follow: Callable[[UInt8Array, bool], None] | None = None,
) -> tuple[list[Shot[T]], list[float]]:
    """Finds the shots of a clip and measures each.

    Args:
        source: reads all frames in order.
        measure: measures a section of a shot (``measure_section``); several threads call it at once.
        on_progress: called with the number of frames read since the last call.
        follow: called with every frame in order, as decoded, and with whether a shot begins with it.

    Returns:
        The shots, and every frame's time in seconds on the source's clock.
    """
    shots: list[tuple[int, int, list[Future[T]]]] = []
    sections: list[Future[T]] = []  # of the current shot
    waiting: list[Future[T]] = []
    times: list[float] = []
    detector, sample, shot_start, section_start = CutDetector(), SpreadSample(SAMPLES), 0, 0
    workers = usable_cores()
    with ThreadPoolExecutor(workers, thread_name_prefix="measure") as pool:

        def end_section() -> None:
            # Waiting sections hold frames: no more may wait than there are workers, or than memory allows.
            size = sum(frame.nbytes for frame in sample.frames().values())
            while len(waiting) > min(workers, WAITING_BYTES // size):
                waiting.pop(0).result()
            found = frames_to_measure(sample, source.delivered, times[section_start:])
            waiting.append(pool.submit(measure, found))
            sections.append(waiting[-1])

        reported = 0
        for picture, time in source.raw_frames():
            number = len(times)
            cut = detector(picture) and number > shot_start
            if cut or number - section_start == SECTION:
                end_section()
                section_start, sample = number, SpreadSample(SAMPLES, number)
            if cut:
                shots.append((shot_start, number - shot_start, sections))
                shot_start, sections = number, []
            if follow is not None:
                follow(picture, cut)
            sample.add(picture)
            times.append(time)
            if on_progress is not None and len(times) - reported >= PROGRESS_EVERY:
                on_progress(len(times) - reported)
                reported = len(times)
        if len(times) > shot_start:
            end_section()
            shots.append((shot_start, len(times) - shot_start, sections))
        if on_progress is not None and len(times) > reported:
            on_progress(len(times) - reported)
        found = [(first, count, tuple(section.result() for section in futures)) for first, count, futures in shots]
        return [Shot(first, count, measured) for first, count, measured in found], times
