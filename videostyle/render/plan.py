"""The planning pass: where the shots of a clip begin, and the style's statistics for each.

One pass over the decoded frames finds the cuts and keeps a few frames of the shot at hand, spread over it;
when the shot ends they are measured and dropped. The answer depends on the frames alone: the same clip gives
the same shots and statistics whoever renders which part of it. Memory does not grow with the clip.

It is kept cheap beside painting: frames are looked at as they leave the decoder, every few pixels; only those
that are measured are converted; and they are measured by other threads while the clip is read on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import UInt8Array
from videostyle.io.opencv import load_cv2

if TYPE_CHECKING:
    from videostyle.models.style_network import Statistics

Measured = TypeVar("Measured")

# Frames of a shot that its statistics are measured on, in the middle of as many equal parts of it. Measured on
# seven shots of three to six seconds: paint differs by 0.1 to 3 levels of 255 from that with twenty frames; with
# two frames by up to 24, with frames at half their size by 5 to 20.
SAMPLES = 4
FRAMES_A_SAMPLE = 24  # a shorter shot is measured on fewer: each costs as much as painting a frame
THUMBNAIL = (32, 18)  # width, height at which frames are compared
LOOK = 4  # pixels across in each of a thumbnail's, at least: more of them cost time and tell no more of a cut
CUT = 0.16  # mean change of a thumbnail's values, of 1, that a cut exceeds...
CUT_RATIO = 3.5  # ...and times the recent change, so that a fast pan is not cut to pieces
SHORTEST = 8  # frames; a flash or a strobe is not a row of shots
PROGRESS_EVERY = 32  # frames


BYTES_A_PIXEL = 0.1  # of a painted frame as x264 stores it: 0.05 to 0.15 on clips of all kinds
CHUNK = 240  # frames of a chunk at most: ten seconds, and no more than an encoder puts between two key frames
CHUNK_AT_CUT = 120  # a chunk of at least this many ends where a shot does


@dataclass(frozen=True)
class Plan:
    """All that must be known before any part of a clip can be painted alone.

    Attributes:
        shots: number of the first frame and statistics of each shot, in order.
        chunks: number of the first frame and frames of each chunk, in order, without gaps.
        times: time of every frame in seconds on the source's clock.
        warnings: what the source said of the clip; () means that it is intact.
    """

    shots: tuple[tuple[int, Statistics], ...]
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
    """A run of frames between two cuts: number of its first frame, frames in it, what was measured of it."""

    first: int
    frames: int
    statistics: Measured


class Readable(Protocol):
    """What planning needs of a source (``io.source.FrameSource``)."""

    def raw_frames(self) -> Iterator[tuple[UInt8Array, float]]:
        """All frames as they leave the decoder, with their times in seconds."""

    def delivered(self, picture: UInt8Array) -> UInt8Array:
        """Such a frame as it will be painted."""


class CutDetector:
    """Says of each frame whether a new shot begins with it, from small pictures of it and of the frame before."""

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._recent = 0.02
        self._length = 0

    def __call__(self, frame: UInt8Array) -> bool:
        """Takes the next frame, uint8 ``[H, W, 3]``, channels in any order; True if it is the first of a shot."""
        cv2 = load_cv2()
        step = max(1, min(frame.shape[0] // (LOOK * THUMBNAIL[1]), frame.shape[1] // (LOOK * THUMBNAIL[0])))
        sparse = np.ascontiguousarray(frame[::step, ::step])
        small = cv2.resize(sparse, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
        small = cv2.GaussianBlur(small, (3, 3), 0)
        before, self._before = self._before, small
        self._length += 1
        if before is None:
            return True
        change = float(np.abs(small - before).mean())
        cut = change > CUT and change > CUT_RATIO * self._recent and self._length > SHORTEST
        if cut:
            self._length = 0
        else:
            self._recent = max(0.8 * self._recent + 0.2 * change, 0.01)
        return cut


class SpreadSample:
    """Keeps at most ``4 * size`` of the frames it is given, evenly spread, without knowing how many will come."""

    def __init__(self, size: int) -> None:
        self._size = size
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

    def frames(self) -> list[UInt8Array]:
        """Frames in the middle of equal parts of all: ``size`` parts, fewer of fewer than ``FRAMES_A_SAMPLE`` each."""
        count = max(1, min(self._size, self._seen // FRAMES_A_SAMPLE))
        middles = ((2 * part + 1) * self._seen / (2 * count) - 0.5 for part in range(count))
        return [self._kept[min(len(self._kept) - 1, round(middle / self._step))] for middle in middles]


def plan_shots(
    source: Readable,
    measure: Callable[[UInt8Array], Measured],
    progress: Callable[[int], None] | None = None,
) -> tuple[list[Shot[Measured]], list[float]]:
    """Finds the shots of a clip and measures each.

    Args:
        source: gives all frames in order.
        measure: gives statistics from frames uint8 ``[K, H, W, 3]`` RGB (``Stylize.statistics_of``); called by
            several threads at once.
        progress: called with a number of frames that were looked at.

    Returns:
        The shots, and every frame's time in seconds on the source's clock.
    """
    found: list[tuple[int, int, Future[Measured]]] = []
    times: list[float] = []
    detector, sample, first = CutDetector(), SpreadSample(SAMPLES), 0
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers, thread_name_prefix="measure") as pool:

        def end_shot() -> None:
            # Shots that wait hold their frames: no more of them than are worked on.
            if len(found) > workers:
                found[-1 - workers][2].result()
            frames = sample.frames()
            found.append((first, len(times) - first, pool.submit(lambda: measure(_stack(source, frames)))))

        told = 0
        for picture, time in source.raw_frames():
            if detector(picture) and len(times) > first:
                end_shot()
                first, sample = len(times), SpreadSample(SAMPLES)
            sample.add(picture)
            times.append(time)
            if progress is not None and len(times) - told >= PROGRESS_EVERY:
                progress(len(times) - told)
                told = len(times)
        if len(times) > first:
            end_shot()
        if progress is not None and len(times) > told:
            progress(len(times) - told)
        return [Shot(first, count, future.result()) for first, count, future in found], times


def _stack(source: Readable, frames: Iterable[UInt8Array]) -> NDArray[np.uint8]:
    return np.stack([source.delivered(frame) for frame in frames])
