"""``videostyle inspect``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Clip
from videostyle.cli.main import main
from videostyle.media.writers.images import write_png


def test_a_picture_has_neither_clock_nor_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_png(tmp_path / "a.png", np.zeros((32, 48, 3), np.uint8))
    assert main(["inspect", str(tmp_path / "a.png")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("a.png: picture, png, 48x32, 0.00 MB\n")
    for word in ("frames", "clock", "?", " s from"):
        assert word not in printed
    assert main(["inspect", str(tmp_path / "a.png"), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["still"]
    assert data["duration"] is None


def test_several_files_are_shown_past_one_that_cannot_be_read(
    clip: Clip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [str(clip("plain.mp4")), str(tmp_path / "none.mp4"), str(clip("sound.m4a"))]
    assert main(["inspect", *names]) == 3
    printed = capsys.readouterr()
    assert "video: h264, 64x48, 25.000 frames/s (constant), about 25 frames" in printed.out
    assert "video: none" in printed.out
    assert "no such file" in printed.err
    assert main(["inspect", *names, "--json"]) == 3
    rows = json.loads(capsys.readouterr().out)["files"]
    assert [row.get("exit_code", 0) for row in rows] == [0, 3, 0]
    assert [Path(row["file"]).name for row in rows] == ["plain.mp4", "none.mp4", "sound.m4a"]
