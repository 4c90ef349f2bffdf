"""What a training is prepared with."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("tensorflow")
from tests.training.pictures import picture
from videostyle.media.writers.images import write_png
from videostyle.training.content import read_content
from videostyle.training.session import clip_pairs


def test_small_clips_are_enlarged() -> None:
    small, large = picture(1, 100, 120), picture(2, 200, 260)
    neighbours = [(small, small.copy()), (large, large.copy()), (large, large)]  # the last is a clip's first frame
    found = clip_pairs(neighbours, 150)
    assert [pair.current.shape[:2] for pair in found] == [(150, 180), (200, 260)]
    assert found[0].flow.shape == (150, 180, 2)


def test_what_is_not_read_of_many_pictures_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(3):
        write_png(tmp_path / f"{number}.png", picture(number, 40, 50))
    assert len(read_content([tmp_path], limit=2)[0]) == 2
    assert caplog.messages == ["1 of 3 files are not read: 2 pictures are enough"]
    assert len(read_content([tmp_path])[0]) == 3
    assert len(caplog.messages) == 1
