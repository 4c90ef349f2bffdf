"""The plan of a render: shots, chunks and frame times, all that must be known to paint any part of a clip alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from videostyle.motion.mesh_store import MeshTrack
from videostyle.network.statistics import KeyframeSegment

BYTES_A_PIXEL = 0.1  # of a painted frame as x264 stores it: 0.05 to 0.15 on clips of all kinds
CHUNK = 240  # frames of a chunk at most: ten seconds, and no more than an encoder puts between two key frames
CHUNK_AT_CUT = 120  # a chunk of at least this many ends where a shot does


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


def most_chunks(frames: int | None) -> int:
    """Chunks that a clip of so many frames may have at most; many where that is unknown."""
    return -(-frames // CHUNK_AT_CUT) if frames else 1000
