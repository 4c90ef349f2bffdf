"""``videostyle styles``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import ROOT, Clip
from videostyle.cli.main import main
from videostyle.media.readers.images import read_picture

if TYPE_CHECKING:
    from videostyle.styles.card import Style


def test_a_style_of_sizes_without_a_base_is_whole_but_has_no_strength(
    random_style: Style, tmp_path: Path, clip: Clip, capsys: pytest.CaptureFixture[str]
) -> None:
    from videostyle.styles.style_file import save_style

    file = tmp_path / "odd.safetensors"
    save_style(random_style, file)
    assert main(["styles", "verify", str(file)]) == 0
    assert "another base" in capsys.readouterr().out
    render = ["render", str(clip("one.mp4")), "--style", str(file), "-o", str(tmp_path / "o.mp4"), "-q"]
    assert main(render) == 0
    assert main([*render, "-y", "--strength", "0.5"]) == 4
    assert "no base" in capsys.readouterr().err
    live = ["live", "--style", str(file), "--input", str(clip("plain.mp4")), "--loop", "--duration", "1", "-q"]
    assert main([*live, "--record", str(tmp_path / "live.mp4"), "--fixed-size"]) == 0


def test_styles_explain_shows_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = ROOT / "samples" / "harbour.jpg"
    assert main(["styles", "explain", "great-wave", "--painting", str(picture), "-o", str(tmp_path / "e.png")]) == 0
    printed = [line for line in capsys.readouterr().out.splitlines() if "share" in line]
    assert [line.split()[0] for line in printed] == ["relu1_2", "relu2_2", "relu3_3", "relu4_1", "content"]
    assert sum(float(line.split()[-1]) for line in printed) == pytest.approx(1, abs=1e-3)
    assert read_picture(tmp_path / "e.png").shape[0] > 1000
