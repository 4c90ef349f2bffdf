"""The planning pass: where the shots of a clip begin, and the style's statistics for each.

One pass over the decoded frames finds the cuts and keeps a few frames of the shot at hand, spread over it;
when the shot ends they are measured and dropped. The answer depends on the frames alone: the same clip gives
the same shots and statistics whoever renders which part of it. Memory does not grow with the clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import FrameBatch, UInt8Array
from videostyle.io.opencv import load_cv2

if TYPE_CHECKING:
    from videostyle.models.style_network import Statistics

SAMPLES = 5  # frames of a shot that its statistics are measured on
THUMBNAIL = (32, 18)  # width, height at which frames are compared
CUT = 0.16  # mean change of a thumbnail's values, of 1, that a cut exceeds...
CUT_RATIO = 3.5  # ...and times the recent change, so that a fast pan is not cut to pieces
SHORTEST = 8  # frames; a flash or a strobe is not a row of shots


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
class Shot:
    """A run of frames between two cuts: number of its first frame, frames in it, statistics of the style."""

    first: int
    frames: int
    statistics: Statistics


class CutDetector:
    """Says of each frame whether a new shot begins with it, from small pictures of it and of the frame before."""

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._recent = 0.02
        self._length = 0

    def __call__(self, frame: UInt8Array) -> bool:
        """Takes the next frame, uint8 ``[H, W, 3]``; True if it is the first of a shot."""
        cv2 = load_cv2()
        small = cv2.resize(frame, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
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
    """Keeps at most ``2 * size`` of the frames it is given, evenly spread, without knowing how many will come."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._step, self._seen = 1, 0
        self._kept: list[UInt8Array] = []

    def add(self, frame: UInt8Array) -> None:
        """Takes the next frame; copies it if it is kept."""
        if self._seen % self._step == 0:
            self._kept.append(frame.copy())
            if len(self._kept) > 2 * self._size:
                self._kept = self._kept[::2]
                self._step *= 2
        self._seen += 1

    def frames(self) -> NDArray[np.uint8]:
        """``size`` frames (all, if there were fewer), evenly spread, ``[K, H, W, 3]``."""
        chosen = np.linspace(0, len(self._kept) - 1, min(self._size, len(self._kept))).round().astype(int)
        return np.stack([self._kept[i] for i in chosen])


def plan_shots(
    batches: Iterable[FrameBatch],
    measure: Callable[[UInt8Array], Statistics],
    progress: Callable[[int], None] | None = None,
    times: list[float] | None = None,
) -> list[Shot]:
    """Finds the shots of a clip and measures each.

    Args:
        batches: all frames in order.
        measure: gives statistics from frames uint8 ``[K, H, W, 3]`` (``Stylize.statistics_of``).
        progress: called with the number of frames after each batch.
        times: every frame's time is added to it.
    """
    shots: list[Shot] = []
    detector, sample = CutDetector(), SpreadSample(SAMPLES)
    first = number = 0
    for batch in batches:
        for frame in batch.frames:
            if detector(frame) and number > first:
                shots.append(Shot(first, number - first, measure(sample.frames())))
                first, sample = number, SpreadSample(SAMPLES)
            sample.add(frame)
            number += 1
        if times is not None:
            times.extend(batch.pts.tolist())
        if progress is not None:
            progress(len(batch))
    if number > first:
        shots.append(Shot(first, number - first, measure(sample.frames())))
    return shots
