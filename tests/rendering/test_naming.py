"""Names of outputs: after clip and style, no two of one command the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from videostyle.cli.main import main
from videostyle.errors import UsageError
from videostyle.frames import VideoInfo
from videostyle.rendering.batch_tasks import plan_tasks
from videostyle.rendering.job_file import JobEntry
from videostyle.rendering.naming import OutputNames, default_output, style_label
from videostyle.rendering.settings import RenderSettings

Clip = Callable[[str], Path]
INFO = VideoInfo(width=2, height=2)
WAVE = RenderSettings("wave")


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        ("great-wave", "great-wave"),
        ("a:0.7,b:0.3", "a0-7-b0-3"),
        ("a:0.7,b:0.1", "a0-7-b0-1"),
        ("a,b", "a-b"),
        ("/styles/my.own.safetensors", "my-own"),
        ("wave.safetensors:0.5,/x/sky.safetensors:0.25", "wave0-5-sky0-25"),
        ("painting.JPG", "painting"),
    ],
)
def test_a_label_tells_styles_and_shares_apart(spec: str, label: str) -> None:
    assert style_label(spec) == label


def test_a_comma_in_the_name_of_a_style_file_is_no_mix(tmp_path: Path) -> None:
    (tmp_path / "a,b.safetensors").touch()
    assert style_label(str(tmp_path / "a,b.safetensors")) == "a-b"


@pytest.mark.parametrize(
    ("clip", "codec", "name"),
    [
        ("50% off.mp4", None, "50% off_stylized_quick.mp4"),
        ("shot_%04d.png", None, "shot_stylized_quick.mp4"),
        ("shot_*.png", None, "shot_stylized_quick.mp4"),
        ("*_left.png", None, "-_left_stylized_quick.mp4"),
        ("%04d.png", "h264", "frames_stylized_quick.mp4"),
        ("a.mp4", "png", "a_stylized_quick"),
        ("a.mp4", "prores", "a_stylized_quick.mov"),
        ("a.mp4", "ffv1", "a_stylized_quick.mkv"),
        ("a.mp4", "vp9", "a_stylized_quick.webm"),
        ("a.mp4", "gif", "a_stylized_quick.gif"),
        ("a.mp4", "webp", "a_stylized_quick.webp"),
        ("a.mp4", "h265", "a_stylized_quick.mp4"),
    ],
)
def test_an_output_is_named_after_its_clip(clip: str, codec: str | None, name: str) -> None:
    assert default_output(Path(clip), RenderSettings("quick", codec=codec), INFO) == Path(name)


@pytest.mark.parametrize(
    ("look", "name"),
    [
        ({"strength": 0.5}, "a_stylized_quick_strength50.mp4"),
        ({"strength": 0.125}, "a_stylized_quick_strength12-5.mp4"),
        ({"preserve_color": True}, "a_stylized_quick_own-colors.mp4"),
        ({"canvas": 0.5, "seed": 7}, "a_stylized_quick_canvas50_seed7.mp4"),
        ({"compare": "side"}, "a_stylized_quick_compare-side.mp4"),
        ({"stroke_size": 1}, "a_stylized_quick_stroke1.mp4"),  # not the usual one in large frames
        ({"stroke_size": 2}, "a_stylized_quick_stroke2.mp4"),
        ({"stroke_size": 1.5, "preserve_color": True}, "a_stylized_quick_stroke1-5_own-colors.mp4"),
        ({"style": "b:0.7,c:0.3", "strength": 0.3}, "a_stylized_b0-7-c0-3_strength30.mp4"),
    ],
)
def test_a_look_of_its_own_has_a_name_of_its_own(look: dict[str, Any], name: str) -> None:
    assert default_output(Path("a.mp4"), RenderSettings(**{"style": "quick", **look}), INFO) == Path(name)


def test_two_outputs_of_a_command_never_have_one_name() -> None:
    names = OutputNames()
    assert names.choose(Path("x/a.mp4"), WAVE, INFO) == Path("x/a_stylized_wave.mp4")
    assert names.choose(Path("x/a.mov"), WAVE, INFO) == Path("x/a_mov_stylized_wave.mp4")
    assert names.choose(Path("x/A.mkv"), WAVE, INFO) == Path("x/A_mkv_stylized_wave.mp4")
    assert names.choose(Path("y/a.mp4"), WAVE, INFO) == Path("y/a_stylized_wave.mp4")
    assert names.choose(Path("y/a.mp4"), RenderSettings("wave", codec="png"), INFO, Path("out")) == Path(
        "out/a_stylized_wave"
    )
    with pytest.raises(UsageError, match=r"output of 'x/a\.mp4' already"):
        names.choose(Path("x/a.mp4"), RenderSettings("/other/wave.safetensors"), INFO)
    with pytest.raises(UsageError, match="already"):
        names.claim(Path("OUT/a_stylized_wave"), Path("z.mp4"))


def test_mixes_of_one_clip_in_a_batch_have_a_name_each(clip: Clip, tmp_path: Path) -> None:
    shutil.copy(clip("one.mp4"), tmp_path / "a.mp4")
    entry = JobEntry(tmp_path / "a.mp4", ("a:0.7,b:0.3", "a:0.7,b:0.1", "/x/a.safetensors", "/y/a.safetensors"),
                     RenderSettings(""))  # fmt: skip
    tasks, failed = plan_tasks([entry], None)
    assert sorted(task.output.name for task in tasks) == [
        "a_stylized_a.mp4",
        "a_stylized_a0-7-b0-1.mp4",
        "a_stylized_a0-7-b0-3.mp4",
    ]
    assert [(outcome.exit_code, outcome.task.settings.style) for outcome in failed] == [(2, "/y/a.safetensors")]


def test_clips_of_one_stem_are_told_apart_by_render_as_well(
    clip: Clip, style: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for suffix in (".mp4", ".mov"):
        shutil.copy(clip("one.mp4"), tmp_path / f"a{suffix}")
    clips = [str(tmp_path / "a.mp4"), str(tmp_path / "a.mov")]
    words = ["--style", style, "-q"]
    assert main(["render", *clips, clips[0], *words]) == 2
    assert "already" in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == 2  # nothing was painted
    assert main(["render", *clips, *words]) == 0
    assert {p.name for p in tmp_path.glob("*stylized*")} == {
        "a_stylized_random.mp4",
        "a_mov_stylized_random.mp4",
    }
