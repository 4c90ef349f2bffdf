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
from videostyle.processors.regions.kinds import regions_from
from videostyle.processors.registry import chain_from
from videostyle.rendering.preview import LONGEST, STRENGTHS, frames_of, looks_of, neighbours_of, paint_looks

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
    assert [round(frame.time, 2) for frame in frames] == [0.0, 0.52]
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


def test_regions_limit_it_and_see_the_frames_around(clip: Clip, tmp_path: Path) -> None:
    regions = regions_from(
        ["rectangle:box=0 0 0.5 1; 0.6s 0.5 0 1 1,feather=0", "rectangle:box=0 0 1 0.2,strength=0,feather=0"]
    )
    assert neighbours_of((), regions) == (0, 0)
    frames = frames_of(clip("plain.mp4"), [parse_time("0.6")])
    unpainted, *painted = paint_looks(frames, looks_of(["great-wave"])[-1:], (), regions)
    ((_, found),) = painted
    changed = np.abs(found.astype(int) - unpainted[1]).max(axis=2) > 0
    assert not changed[:, :31].any()
    assert not changed[:8].any()
    assert changed[14:, 34:].mean() > 0.5
    moving = regions_from("moving:frames=4,smooth=1,grow=0,feather=0,contrast=4")
    around = neighbours_of(chain_from("degrain:frames=2"), moving)
    assert around == (7, 6)
    (shown,) = frames_of(clip("plain.mp4"), [parse_time("0.6")], around)
    assert (len(shown.frames), shown.at) == (14, 7)
    np.testing.assert_array_equal(shown.picture, frames[0].picture)
    cells = list(paint_looks([shown], looks_of(["great-wave"]), (), moving, "mask"))
    assert [name for name, _ in cells] == ["unpainted", "regions"]
    assert len(np.unique(cells[1][1])) > 1


def test_a_large_frame_is_painted_at_a_smaller_size(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "large.png"), np.zeros((1000, 2000, 3), np.uint8))
    (shown,) = frames_of(tmp_path / "large.png", ())
    assert shown.picture.shape == (LONGEST // 2, LONGEST, 3)
    assert (shown.info.width, shown.info.height) == (LONGEST, LONGEST // 2)


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--style", "great-wav"], 4, "did you mean great-wave?"),
        (["--at", "noon"], 2, "cannot read the time"),
        (["--at", "99"], 2, "has no frame at 99 s or later"),
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
