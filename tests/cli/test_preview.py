"""``videostyle preview``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("tensorflow")
from videostyle.cli.main import main
from videostyle.media.timecode import parse_time
from videostyle.metrics.sheet import WIDTH
from videostyle.processors.registry import chain_from
from videostyle.rendering.preview import LONGEST, STRENGTHS, frames_of, looks_of, paint_looks

Clip = Callable[[str], Path]
HEIGHT = WIDTH * 48 // 64


def test_a_frame_in_all_styles(
    clip: Clip, little_to_try: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.png"
    assert main(["preview", str(clip("plain.mp4")), "-o", str(sheet), "--quiet", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"output": str(sheet), "pictures": ["unpainted", "great-wave", "starry-night"]}
    picture = cv2.imread(str(sheet))
    assert picture.shape == (HEIGHT, 4 * WIDTH, 3)
    cells = np.split(picture[: HEIGHT - 40].astype(int), 4, axis=1)
    assert all(np.abs(cells[0] - other).mean() > 8 for other in cells[1:])
    assert main(["preview", str(clip("plain.mp4")), "-o", str(sheet), "--quiet"]) == 5  # it exists
    assert "--overwrite" in capsys.readouterr().err


def test_strengths_of_a_style_at_two_times(clip: Clip, tmp_path: Path) -> None:
    frames = frames_of(clip("plain.mp4"), [parse_time("0"), parse_time("0.5")])
    assert [round(time, 2) for _, _, time in frames] == [0.0, 0.52]
    cells = list(paint_looks(frames, looks_of(["great-wave"])))
    assert [name for name, _ in cells[:3]] == [
        "unpainted at 0.00 s",
        "great-wave 0.2 at 0.00 s",
        "great-wave 0.4 at 0.00 s",
    ]
    assert len(cells) == 2 * (1 + len(STRENGTHS))
    change = [np.abs(picture.astype(int) - cells[0][1]).mean() for _, picture in cells[:6]]
    assert change == sorted(change)  # stronger and stronger
    plain = cells[-1][1]
    (_, sharp) = list(paint_looks(frames[1:], looks_of(["great-wave"])[-1:], chain_from(["sharpen:amount=3"])))[-1]
    assert sharp.shape == plain.shape
    assert np.abs(sharp.astype(int) - plain).mean() > 1


def test_a_large_frame_is_painted_at_a_smaller_size(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "large.png"), np.zeros((1000, 2000, 3), np.uint8))
    ((info, frame, _),) = frames_of(tmp_path / "large.png", ())
    assert frame.shape == (LONGEST // 2, LONGEST, 3)
    assert (info.width, info.height) == (LONGEST, LONGEST // 2)


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--style", "great-wav"], 4, "did you mean great-wave?"),
        (["--at", "noon"], 2, "cannot read the time"),
        (["--at", "99"], 2, "no frame"),
        (["-o", "sheet.jpg"], 2, "not a PNG"),
        (["--processor", "sharpn"], 2, "did you mean sharpen?"),
    ],
)
def test_mistakes_are_told_before_anything_is_painted(
    words: list[str], code: int, why: str, clip: Clip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = [] if "-o" in words else ["-o", str(tmp_path / "sheet.png")]
    assert main(["preview", str(clip("plain.mp4")), *out, *words]) == code
    assert why in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
