"""Original and painted frames together."""

from __future__ import annotations

import numpy as np
import pytest

from videostyle.errors import SettingError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.processors.compare import Compare, CompareOptions
from videostyle.rendering.settings import RenderSettings, settings_from

BATCH = FrameBatch(
    np.full((2, 6, 8, 3), 250, np.uint8), np.array([7.0, 9.0]), 4, original=np.full((2, 6, 8, 3), 9, np.uint8)
)


def opened(mode: str, info: VideoInfo | None = None) -> Compare:
    compare = Compare(CompareOptions.model_validate({"mode": mode, "seconds": 4.0}))
    compare.open(info or VideoInfo(8, 6))
    return compare


def test_side_by_side_is_twice_as_wide() -> None:
    info = opened("side").open(VideoInfo(8, 6))
    found = opened("side")(BATCH)
    assert (info.width, info.height) == (16, 6)
    assert found.frames.shape == (2, 6, 16, 3)
    assert found.index == 4
    assert (found.frames[:, :, :8] == 9).all()
    assert (found.frames[:, :, 8:] == 250).all()


def test_a_split_has_halves_and_a_line() -> None:
    compare = opened("split")
    assert compare.open(VideoInfo(8, 6)).width == 8
    row = compare(BATCH).frames[0, 0, :, 0]
    assert row.tolist() == [9, 9, 9, 255, 255, 250, 250, 250]


def test_a_wipe_begins_with_the_painting_and_comes_back() -> None:
    compare = opened("wipe", VideoInfo(8, 6, start=7.0))  # the clip's clock does not begin at 0
    rows = compare(BATCH).frames[:, 0, :, 0]
    assert rows[0, 1:].tolist() == [250] * 7
    assert rows[1, :7].tolist() == [9] * 7
    halfway = FrameBatch(BATCH.frames, np.array([8.0, 11.0]), 0, original=BATCH.original)
    rows = compare(halfway).frames[:, 0, :, 0]
    assert rows[0].tolist() == [9, 9, 9, 255, 255, 250, 250, 250]
    assert rows[1, 1:].tolist() == [250] * 7


def test_another_mode_is_refused() -> None:
    with pytest.raises(SettingError, match="side, split, wipe"):
        settings_from({"compare": "above"}, RenderSettings("x"))
