"""Where the pieces of a frame lie."""

from __future__ import annotations

import numpy as np
import pytest

from videostyle.inference.tiling import plan_tiles


@pytest.mark.parametrize(("height", "width"), [(1096, 1936), (2176, 3856), (4336, 7696), (64, 40_000)])
def test_tiles_cover_the_frame_once_and_fit(height: int, width: int) -> None:
    tiles = plan_tiles(height, width, 104, 1920 * 1088)
    seen = np.zeros((height // 8, width // 8), int)
    for t in tiles:
        assert (t.height, t.width) == (tiles[0].height, tiles[0].width)
        assert t.height * t.width <= 1920 * 1088
        assert t.top % 8 == t.left % 8 == 0
        assert 0 <= t.top <= height - t.height
        assert 0 <= t.left <= width - t.width
        row, column = (t.top + t.keep_top) // 8, (t.left + t.keep_left) // 8
        seen[row : row + t.keep_height // 8, column : column + t.keep_width // 8] += 1
        # What is kept is a halo away from every side that is not the frame's own.
        assert t.top == 0 or t.keep_top >= 104
        assert t.top + t.height == height or t.height - t.keep_top - t.keep_height >= 104
    assert (seen == 1).all()
