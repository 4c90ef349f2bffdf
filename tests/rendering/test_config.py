"""The configuration file, deliveries, and what goes before what."""

from __future__ import annotations

from pathlib import Path

import pytest

from videostyle.cli.options import given_settings, render_settings
from videostyle.cli.parser import parse
from videostyle.errors import Mistakes, UsageError
from videostyle.media.ffmpeg.codecs import check_quality, codec_for, usual_suffix
from videostyle.rendering.config import config_path, read_config
from videostyle.rendering.delivery import DELIVERIES
from videostyle.rendering.job_file import read_job_file
from videostyle.rendering.settings import RenderSettings, settings_from


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path))
    return tmp_path


def settings(*words: str) -> RenderSettings:
    return render_settings(parse(["render", "a.mp4", "--style", "x", *words])[0], "x")


def test_without_a_file_the_defaults_hold(home: Path) -> None:
    assert config_path() == home / "config.toml"
    assert read_config() == {}
    assert settings() == RenderSettings("x")


def test_the_command_line_goes_before_the_job_file_and_that_before_the_configuration(home: Path) -> None:
    (home / "config.toml").write_text("crf = 30\nmax_size = 640\nstrength = 0.5\nfps = 25\n")
    assert settings("--crf", "20") == RenderSettings("x", crf=20, max_size=640, strength=0.5, fps=settings().fps)
    (home / "job.toml").write_text('[[clip]]\ninput = "a.mp4"\nstyles = ["x"]\ncrf = 25\nmax_size = 320\n')
    options, _ = parse(["batch", "job.toml", "--max-size", "160"])
    base = settings_from(read_config(), RenderSettings(""))
    (entry,) = read_job_file(home / "job.toml", base, override=given_settings(options))
    assert (entry.settings.max_size, entry.settings.crf, entry.settings.strength) == (160, 25, 0.5)


def test_quality_of_another_codec_is_not_taken_over(home: Path) -> None:
    (home / "config.toml").write_text('codec = "h264"\ncrf = 30\npreset = "slow"\n')
    assert settings().crf == 30
    assert settings("--codec", "prores") == RenderSettings("x", codec="prores")
    assert settings("--for", "archive") == RenderSettings("x", codec="ffv1")
    assert settings("--codec", "x264").crf == 30


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("crf = 'low'", r"config.toml', crf: cannot use 'low' \(give a whole number\)"),
        ("max_sise = 1", r"max_sise: not known \(did you mean max_size\?\)"),
        ("style = 'x'", "style: not known"),
        ("crf = ", "is not a TOML file"),
    ],
)
def test_what_is_wrong_in_it_is_said(text: str, message: str, home: Path) -> None:
    (home / "config.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        settings()
    (home / "config.toml").write_text("crf = 99\nmax_sise = 1\nstrength = 2\n")
    with pytest.raises(Mistakes) as caught:
        read_config()
    assert len(caught.value.errors) == 3


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_delivery_is_what_its_text_says(name: str) -> None:
    chosen = settings("--for", name)
    suffix = usual_suffix(chosen.codec)
    check_quality(chosen.codec, suffix, chosen.crf, chosen.preset)
    codec_for(chosen.codec, suffix)
    text = DELIVERIES[name].text
    assert suffix in text
    assert chosen.crf is None or f"crf {chosen.crf}" in text
    assert chosen.max_size is None or f"longest side {chosen.max_size}" in text
    assert settings("--for", name, "--max-size", "480").max_size == 480


def test_options_go_by_the_names_of_other_programs() -> None:
    options, _ = parse(["render", "-i", "a.mp4", "--style", "x", "-ss", "1", "-to", "0:02", "--preserve-colour", "-v"])
    chosen = render_settings(options, "x")
    assert chosen == settings("--start", "1", "--end", "2", "--preserve-color")
    assert options.log_level == "info"
    assert parse(["render", "a.mp4", "--style", "x"])[0].log_level == "warning"
    assert parse(["-v"])[0].version
