"""Original and painted frames together."""

from __future__ import annotations

import numpy as np
import pytest

from videostyle.errors import SettingError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.processors.compare import Compare
from videostyle.rendering.settings import RenderSettings, settings_from


class White:
    """Paints everything white."""

    def open(self, info: VideoInfo) -> VideoInfo:
        return info

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        return FrameBatch(np.full_like(batch.frames, 250), batch.pts, batch.index)

    def close(self) -> None: ...


BATCH = FrameBatch(np.full((2, 6, 8, 3), 9, np.uint8), np.zeros(2), 4)


def test_side_by_side_is_twice_as_wide() -> None:
    compare = Compare(White(), "side")
    info = compare.open(VideoInfo(8, 6))
    found = compare(BATCH)
    assert (info.width, info.height) == (16, 6)
    assert found.frames.shape == (2, 6, 16, 3)
    assert found.index == 4
    assert (found.frames[:, :, :8] == 9).all()
    assert (found.frames[:, :, 8:] == 250).all()


def test_a_split_has_halves_and_a_line() -> None:
    compare = Compare(White(), "split")
    assert compare.open(VideoInfo(8, 6)).width == 8
    row = compare(BATCH).frames[0, 0, :, 0]
    assert row.tolist() == [9, 9, 9, 255, 255, 250, 250, 250]


def test_another_mode_is_refused() -> None:
    with pytest.raises(SettingError, match="side or split"):
        settings_from({"compare": "above"}, RenderSettings("x"))
