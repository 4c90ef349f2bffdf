"""The plan of a render: shots, chunks and frame times, all that must be known to paint any part of a clip alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from videostyle.frames import CanvasMesh, UInt8Array
from videostyle.media.readers.base import FrameReader
from videostyle.media.readers.open import open_reader
from videostyle.motion.canvas_tracker import CanvasTracker
from videostyle.motion.mesh_store import MeshRecorder, MeshTrack
from videostyle.network.statistics import KeyframeSegment
from videostyle.rendering.progress import ProgressFunction
from videostyle.rendering.shots import find_shots, measure_section, segments_of

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor

BYTES_A_PIXEL = 0.1  # of a painted frame as x264 stores it: 0.05 to 0.15 on clips of all kinds
CHUNK = 240  # frames of a chunk at most: ten seconds, and no more than an encoder puts between two key frames
CHUNK_AT_CUT = 120  # a chunk of at least this many ends where a shot does
SQUARE = 0.01  # by how much a pixel's sides may differ from each other and be taken for equal


@dataclass(frozen=True)
class Plan:
    """All that must be known before any part of a clip can be painted alone.

    Attributes:
        segments: which statistics hold from which frame on, in order; a shot has one keyframe segment or more.
        chunks: number of the first frame and frames of each chunk, in order, without gaps.
        times: time of every frame in seconds on the source's clock.
        warnings: what the source reported of the clip; () means that it is intact.
        meshes: where the canvas lies at each frame; None where no style has a canvas.
    """

    segments: tuple[KeyframeSegment, ...]
    chunks: tuple[tuple[int, int], ...]
    times: tuple[float, ...]
    warnings: tuple[str, ...] = ()
    meshes: MeshTrack | None = None


def chunk_borders(frames: int, cuts: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """First frame and length of each chunk: at most ``CHUNK`` frames, ended by a cut where one comes late enough.

    The rule looks at the clip alone, never at workers: the encoder starts anew at every border, so that borders
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


class CanvasFollower:
    """Carries the canvas through a clip and keeps where it lies at each frame.

    Args:
        aspect: width over height of the frames as they are painted; a decoder's may have pixels of another shape.
    """

    def __init__(self, aspect: float) -> None:
        self._aspect = aspect
        self._tracker, self._recorder = CanvasTracker(), MeshRecorder()

    def __call__(self, frame: UInt8Array, cut: bool) -> None:
        """Takes the next frame, uint8 ``[H, W, 3]``, channels in any order, and whether a shot begins with it."""
        if cut:
            self._tracker.restart()
        mesh = self._tracker(frame)
        stretch = np.float32(self._aspect * frame.shape[0] / frame.shape[1])
        if abs(stretch - 1) > SQUARE:
            mesh = CanvasMesh(mesh.places * np.array([stretch, 1], np.float32), mesh.share)
        self._recorder.add(mesh)

    def track(self) -> MeshTrack:
        """The meshes of all frames that it was given."""
        return self._recorder.track()


def most_chunks(frames: int | None) -> int:
    """Chunks that a clip of so many frames may have at most; many where that is unknown."""
    return -(-frames // CHUNK_AT_CUT) if frames else 1000


def make_plans(
    source: FrameReader, stylizes: Sequence[StyleProcessor], progress: ProgressFunction | None = None
) -> list[Plan]:
    """Reads the clip once for all of ``stylizes``: its shots, their statistics, frames' times, where chunks begin.

    Returns:
        A plan for each; they differ in the statistics only.
    """
    on_frames = (lambda count: progress("plan", count, source.info.frame_count)) if progress else None
    follower = CanvasFollower(source.info.width / source.info.height) if any(s.on_canvas for s in stylizes) else None
    with open_reader(source.input, source.options) as scan:
        shots, times = find_shots(
            scan, lambda frames: [measure_section(frames, s.statistics_of) for s in stylizes], on_frames, follower
        )
        warnings = tuple(scan.warnings)
    chunks = chunk_borders(len(times), [shot.first for shot in shots])
    meshes = follower.track() if follower else None
    return [Plan(segments_of(shots, n), chunks, tuple(times), warnings, meshes) for n in range(len(stylizes))]
