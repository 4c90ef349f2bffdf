"""The plan of a render, with which any part of a clip can be painted on its own, and the rule for chunk borders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from videostyle.motion.mesh_store import MeshTrack
from videostyle.network.statistics import KeyframeSegment
from videostyle.rendering.frame_timeline import FrameTimeline
from videostyle.rendering.layers import PlannedLayer

BYTES_A_PIXEL = 0.1  # of a painted frame in H.264; clips of all kinds have 0.05 to 0.15
CHUNK = 240  # largest number of frames in a chunk: ten seconds, about the usual distance of key frames
CHUNK_AT_CUT = 120  # a chunk with at least this many frames ends at a cut
BATCH = 8  # frames; a chunk has a multiple of these where it can, because a batch that is not full is filled up


@dataclass(frozen=True)
class Plan:
    """Everything about a clip that painting a part of it needs.

    Attributes:
        segments: the statistics, in order of their first frames; a shot has one keyframe segment or more. () with a
            timeline, which has its own.
        chunks: number of the first frame, and number of frames, of each chunk, in order and without gaps.
        times: time of every frame in seconds on the source's clock.
        warnings: warnings of the reader; () means that the clip is intact.
        meshes: position of the canvas at each frame; None if no style has a canvas.
        timeline: what changes along the clip; None = nothing does.
        layers: what regions are painted with that are painted otherwise, in order.
    """

    segments: tuple[KeyframeSegment, ...]
    chunks: tuple[tuple[int, int], ...]
    times: tuple[float, ...]
    warnings: tuple[str, ...] = ()
    meshes: MeshTrack | None = None
    timeline: FrameTimeline | None = None
    layers: tuple[PlannedLayer, ...] = ()


def chunk_borders(frames: int, cuts: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """First frame and length of each chunk: at most ``CHUNK`` frames, ending at a cut if one comes late enough.

    Without cuts, a clip of more than one chunk has an even number of them, about equally long, so that two workers end
    at about the same time.

    Borders depend on the clip alone and not on the workers. The encoder starts again at every border, so borders affect
    the output.

    Args:
        frames: number of frames of the clip.
        cuts: numbers of the first frames of shots.
    """
    chunks, first, cuts = [], 0, sorted(cuts)
    longest = _even_length(frames)
    while first < frames:
        late = [cut for cut in cuts if first + CHUNK_AT_CUT <= cut <= first + longest]
        end = min(frames, late[-1] if late else first + longest)
        chunks.append((first, end - first))
        first = end
    return tuple(chunks)


def _even_length(frames: int) -> int:
    """Frames of each chunk of a clip without cuts, but for the last."""
    if frames <= CHUNK:
        return CHUNK
    pairs = -(-frames // (2 * CHUNK))
    return min(CHUNK, -(-frames // (2 * pairs * BATCH)) * BATCH)


def most_chunks(frames: int | None) -> int:
    """Largest number of chunks that a clip of ``frames`` frames may have; 1000 if that number is unknown."""
    return -(-frames // CHUNK_AT_CUT) if frames else 1000
