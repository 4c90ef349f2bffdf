"""``videostyle styles``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.cli.conftest import ROOT, Clip
from videostyle.cli.main import main
from videostyle.media.readers.pictures import read_picture
from videostyle.media.writers.images import write_png

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
    assert [line.split()[0] for line in printed] == ["relu1_2", "relu2_2", "relu3_3", "relu4_1", "relu5_1", "content"]
    assert sum(float(line.split()[-1]) for line in printed) == pytest.approx(1, abs=1e-3)
    assert read_picture(tmp_path / "e.png").shape[0] > 1000


def test_bundled_styles_are_never_replaced_and_ones_own_only_when_asked(
    random_style: Style, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from videostyle.styles import gallery
    from videostyle.styles.style_file import save_style

    for name in ("woodcut", "mine"):
        save_style(random_style, tmp_path / f"{name}.safetensors")
    assert main(["styles", "add", str(tmp_path / "woodcut.safetensors"), "-y"]) == 2
    assert "comes with videostyle" in capsys.readouterr().err
    picture = str(ROOT / "samples" / "harbour.jpg")
    assert main(["train", picture, "-o", "great-wave", "-y"]) == 2
    assert "comes with videostyle" in capsys.readouterr().err
    assert main(["styles", "add", str(tmp_path / "mine.safetensors")]) == 0
    for words in (["styles", "add", str(tmp_path / "mine.safetensors")], ["train", picture, "-o", "mine"]):
        assert main(words) == 2
        assert "--overwrite" in capsys.readouterr().err
    assert main(["styles", "add", str(tmp_path / "mine.safetensors"), "-y"]) == 0
    assert {entry.name for entry in gallery.entries() if not entry.bundled} == {"mine"}


def test_a_style_of_ones_own_gets_another_name(
    random_style: Style, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from videostyle.styles.resolve import find_style
    from videostyle.styles.style_file import save_style

    save_style(random_style, tmp_path / "candy.safetensors")
    assert main(["styles", "add", str(tmp_path / "candy.safetensors")]) == 0
    assert main(["styles", "rename", "candy", "great-wave"]) == 2
    assert main(["styles", "rename", "great-wave", "mine"]) == 2
    assert main(["styles", "rename", "candy"]) == 2
    assert main(["styles", "rename", "candi", "sweet"]) == 4
    assert "did you mean candy" in capsys.readouterr().err
    assert main(["styles", "rename", "candy", "sweet"]) == 0
    assert find_style("sweet").card.name == "sweet"
    assert main(["styles", "show", "candy"]) == 4
    assert main(["styles", "verify", "no-such-thing"]) == 4


def test_a_sheet_shows_each_style_on_ones_own_picture(
    random_style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from videostyle.network.architecture import initial_weights
    from videostyle.styles import gallery
    from videostyle.styles.style_file import save_style

    every = gallery.entries
    monkeypatch.setattr(gallery, "entries", lambda: [entry for entry in every() if not entry.bundled])
    gallery.user_styles().mkdir(parents=True)
    for seed, name in ((1, "first"), (2, "second")):
        style = replace(random_style, weights=initial_weights(random_style.architecture, seed=seed))
        save_style(style, gallery.user_styles() / f"{name}.safetensors")
    scene, sheet = tmp_path / "photo.png", tmp_path / "sheet.png"
    write_png(scene, np.full((40, 60, 3), (200, 40, 40), np.uint8))
    words = ["styles", "list", "--sheet", str(sheet), "--scene", str(scene)]
    assert main(words) == 0
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines()] == ["first", "second"]
    assert "painting: 2 styles in " in printed.err
    cells = np.split(read_picture(sheet)[:150], 4, axis=1)[:3]
    assert np.abs(cells[0].astype(int) - (200, 40, 40)).max() <= 1
    means = [cell.astype(int).mean(axis=(0, 1)) for cell in cells]
    assert min(np.abs(means[a] - means[b]).max() for a, b in ((0, 1), (0, 2), (1, 2))) > 2
    assert main(words) == 5  # it exists
