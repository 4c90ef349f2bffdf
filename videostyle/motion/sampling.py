"""Which frames of a run of frames to measure: a few, spread evenly, none of them in a fade.

A run is sampled while it is read, so how long it will be is not known, and memory does not grow with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise

from videostyle.frames import UInt8Array
from videostyle.motion.cuts import likeness, thumbnail

# Frames to measure, in the middle of as many equal pieces of the run; where two neighbours differ much, frames
# CLOSE apart between and beside them are measured as well.
SAMPLES = 4
FRAMES_A_SAMPLE = 24  # a shorter run is measured on fewer frames: each costs as much as painting a frame
CLOSE = 8
FADED = 0.5  # share of another frame's contrast below which a frame that looks like it counts as part of a fade
ALIKE = 0.8  # correlation of thumbnails that look like each other
EVEN = 0.004  # contrast, of 1, of a frame that shows nothing


def faded(frames: Mapping[int, UInt8Array]) -> set[int]:
    """Numbers of frames that are part of a fade: they look like another frame and have less than half its contrast.

    Measured by itself such a frame would be painted at full strength, and the fade would be lost; painted with the
    statistics of the others it fades.
    """
    small = {number: thumbnail(frame) for number, frame in frames.items()}
    energy = {number: float(picture.mean(axis=2).var()) for number, picture in small.items()}

    def fades(one: int, other: int) -> bool:
        if energy[one] >= FADED**2 * energy[other]:
            return False
        return likeness(small[one], small[other]) > ALIKE or energy[one] < EVEN**2

    return {one for one in small if any(fades(one, other) for other in small)}


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

    @property
    def span(self) -> tuple[int, int]:
        """Number of the first frame of the run, and the number behind that of the last one so far."""
        return self._first, self._first + self._seen

    def frames(self) -> dict[int, UInt8Array]:
        """The frames that are kept, by number."""
        return {self._first + number * self._step: frame for number, frame in enumerate(self._kept)}

    def chosen(self) -> list[int]:
        """Numbers of frames in the middle of equal pieces of the run: ``size``, fewer where few were seen.

        One alone is chosen only of fewer than ``FRAMES_A_SAMPLE`` frames: it cannot show a change.
        """
        count = min(self._size, self._seen // FRAMES_A_SAMPLE)
        count = max(count, min(2, 1 + self._seen // FRAMES_A_SAMPLE))
        return self._nearest((2 * piece + 1) * self._seen / (2 * count) - 0.5 for piece in range(count))

    def between(self, low: int, high: int) -> list[int]:
        """Numbers of kept frames that divide the range between two frames into equal steps of about ``CLOSE``."""
        count = -(-(high - low) // CLOSE) or 1
        found = self._nearest(low - self._first + step * (high - low) / count for step in range(1, count))
        return [number for number in found if low < number < high]

    def _nearest(self, places: Iterable[float]) -> list[int]:
        kept = (min(len(self._kept) - 1, round(place / self._step)) for place in places)
        return [self._first + place * self._step for place in dict.fromkeys(kept)]


@dataclass(frozen=True)
class FramesToMeasure:
    """The frames of a run that are to be measured.

    Attributes:
        chosen: numbers of the frames to measure.
        gaps: between each of these and the next, numbers of frames to measure as well where the two differ much;
            the first and the last gap reach to the ends of the run.
        picture: gives one of these frames by its number, as it will be painted, uint8 ``[H, W, 3]`` RGB.
        span: number of the first frame of the run, and the number behind that of its last one.
        times: of all frames of the run, seconds on the source's clock; () where nobody needs them.
    """

    chosen: list[int]
    gaps: list[list[int]]
    picture: Callable[[int], UInt8Array]
    span: tuple[int, int] = (0, 0)
    times: Sequence[float] = ()


def frames_to_measure(
    sample: SpreadSample, convert: Callable[[UInt8Array], UInt8Array], times: Sequence[float] = ()
) -> FramesToMeasure:
    """Chooses the frames of a sample to measure, leaving out those that are part of a fade.

    Args:
        sample: of the whole run.
        convert: makes a frame that was added to the sample what ``FramesToMeasure.picture`` gives; called at most
            once for each frame, and only for those that are measured.
        times: as in ``FramesToMeasure``.
    """
    frames = sample.frames()
    gone = faded(frames)
    whole = [number for number in frames if number not in gone]  # never empty: the frame of most contrast is in it
    chosen = [number for number in sample.chosen() if number in whole] or whole[:1]
    gaps = [sample.between(low, high) for low, high in pairwise(chosen)]
    if gaps:
        start, end = min(frames), max(frames)
        gaps[0] = [start, *sample.between(start, chosen[0]), *gaps[0]]
        gaps[-1] = [*gaps[-1], *sample.between(chosen[-1], end), end]
    gaps = [[number for number in gap if number in whole] for gap in gaps]
    needed = {number: frames[number] for number in {*chosen, *chain.from_iterable(gaps)}}
    return FramesToMeasure(chosen, gaps, cache(lambda number: convert(needed[number])), sample.span, times)
