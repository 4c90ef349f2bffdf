"""Where chunks begin: a rule of the clip alone."""

from __future__ import annotations

import pytest

from videostyle.rendering import plan
from videostyle.rendering.plan import chunk_borders


@pytest.mark.parametrize("frames", [0, 1, 119, 240, 241, 1000])
@pytest.mark.parametrize("cuts", [(0,), (0, 130, 250), (0, 5, 10, 239, 240, 241), tuple(range(0, 1000, 3))])
def test_chunks_cover_the_clip_without_gaps(frames: int, cuts: tuple[int, ...]) -> None:
    chunks = chunk_borders(frames, cuts)
    assert [n for first, count in chunks for n in range(first, first + count)] == list(range(frames))
    assert all(0 < count <= plan.CHUNK for _, count in chunks)


def test_a_chunk_ends_at_the_last_cut_that_is_late_enough() -> None:
    assert chunk_borders(400, (0, 100, 150, 200, 300)) == ((0, 200), (200, 200))
    assert chunk_borders(300, (0, 60)) == ((0, 152), (152, 148))


@pytest.mark.parametrize("frames", [241, 300, 481, 500, 700, 1000, 5000])
def test_two_workers_have_about_as_many_frames_each(frames: int) -> None:
    """Nobody waits long for the last chunk."""
    lengths = [count for _, count in chunk_borders(frames, (0,))]
    assert max(sum(lengths[::2]), sum(lengths[1::2])) < 0.53 * frames + plan.BATCH
