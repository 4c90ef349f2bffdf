"""The one schema of settings, and the four doors it is reached by."""

from __future__ import annotations

import argparse
import inspect
import json
import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from videostyle import api
from videostyle.cli import options
from videostyle.errors import SettingError, UsageError
from videostyle.media.timecode import TimePoint
from videostyle.rendering.job_file import read_job_file
from videostyle.rendering.settings import NAMES, Engine, RenderSettings, settings_from, to_json

WORDS: dict[str, tuple[str, Any]] = {  # setting -> as on the command line, as in Python and TOML
    "strength": ("0.5", 0.5),
    "max_size": ("640", 640),
    "start": ("0:01", "0:01"),
    "end": ("120f", "120f"),
    "fps": ("29.97", 29.97),
    "codec": ("hevc", "hevc"),
    "crf": ("20", 20),
    "preset": ("slow", "slow"),
    "pix_fmt": ("yuv444p", "yuv444p"),
    "threads": ("3", 3),
    "batch_size": ("2", 2),
    "device": ("cpu", "cpu"),
    "precision": ("float32", "float32"),
}
MEANT = RenderSettings(
    "great-wave",
    strength=0.5,
    max_size=640,
    start=TimePoint(seconds=1.0),
    end=TimePoint(frame=120),
    fps=Fraction(30000, 1001),
    codec="hevc",
    crf=20,
    preset="slow",
    pix_fmt="yuv444p",
    threads=3,
    batch_size=2,
    device="cpu",
    precision="float32",
)


def from_command_line(*words: str, style: str = "great-wave") -> RenderSettings:
    parser = argparse.ArgumentParser()
    options.add_render_options(parser)
    return options.render_settings(parser.parse_args(words), style)


def test_command_line_job_file_python_and_json_mean_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [word for name, (text, _) in WORDS.items() for word in (f"--{name.replace('_', '-')}", text)]
    assert from_command_line(*words) == MEANT
    lines = [f"{name} = {json.dumps(value)}" for name, (_, value) in WORDS.items()]
    (tmp_path / "jobs.toml").write_text("\n".join(['[[clip]]\ninput = "a.mp4"\nstyles = ["a"]', *lines]))
    assert read_job_file(tmp_path / "jobs.toml", RenderSettings("great-wave"))[0].settings == MEANT
    asked: list[RenderSettings] = []
    monkeypatch.setattr(api, "_render", lambda path, output, settings, **more: asked.append(settings))
    api.render("a.mp4", "great-wave", **{name: value for name, (_, value) in WORDS.items()})
    assert asked == [MEANT]
    assert settings_from(json.loads(json.dumps(to_json(MEANT)))) == MEANT
    assert pickle.loads(pickle.dumps(MEANT)) == MEANT  # noqa: S301  # sent to worker processes


def test_flags_are_settings_too() -> None:
    words = ("--preserve-color", "--no-audio", "--overwrite", "--strict", "--no-hdr")
    wanted = RenderSettings("a", preserve_color=True, audio=False, overwrite=True, strict=True, hdr=False)
    assert from_command_line(*words, style="a") == wanted
    assert from_command_line(style="a") == RenderSettings("a")


def test_every_setting_is_a_keyword_with_the_default_of_the_schema() -> None:
    schema = inspect.signature(RenderSettings).parameters
    keywords = inspect.signature(api.render).parameters
    for name in NAMES:
        assert keywords[name].default == schema[name].default, name
        assert keywords[name].annotation != inspect.Parameter.empty
    shared = set(inspect.signature(api.paint).parameters) - {"input"}
    assert shared <= set(NAMES)


def test_every_setting_is_an_option() -> None:
    parser = argparse.ArgumentParser()
    options.add_render_options(parser)
    # --for stands for several settings; the backend is that of the process.
    assert {action.dest for action in parser._actions} - {"help", "delivery", "backend"} == set(NAMES) - {"style"}


def test_other_names_of_settings_are_taken_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(api, "_render", lambda path, output, settings, **more: asked.append((path, settings)))
    api.render(source="a.mp4", style="a", frame_rate=24, pixel_format="yuv444p", allow_hdr=False)  # type: ignore[call-arg]
    assert asked == [("a.mp4", RenderSettings("a", fps=Fraction(24), pix_fmt="yuv444p", hdr=False))]
    with pytest.raises(TypeError, match="alias"):
        api.render("a.mp4", "a", fps=24, frame_rate=25)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("strength", 1.5, "1.5 is outside 0..1 (0 leaves"),
        ("strength", float("nan"), "nan is outside"),
        ("strength", "1", "cannot use '1' (give a number)"),
        ("crf", 64, "64 is outside 0..63"),
        ("crf", 20.5, "cannot use 20.5 (give a whole number)"),
        ("crf", True, "cannot use True (give a whole number)"),
        ("audio", 1, "cannot use 1 (give true or false)"),
        ("max_size", 15, "15 is too small (give at least 16)"),
        ("batch_size", 0, "0 is outside 1..1024"),
        ("codec", "x", "no codec named 'x' (there are h264, "),
        ("preset", 4, "cannot use 4 (give text)"),
        ("precision", "int8", "no precision 'int8' (use one of auto, float32"),
        ("start", "noon", "cannot read the time 'noon' (give seconds"),
        ("fps", "1/0", "cannot use the rate '1/0' (give frames a second"),
        ("max_sise", 640, "not known (did you mean max_size?)"),
    ],
)
def test_a_wrong_setting_is_refused_by_name_with_a_remedy(name: str, value: Any, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        settings_from({name: value}, RenderSettings("a"))
    assert caught.value.setting == name
    assert str(caught.value).startswith(f"{name}: {message}")
    assert caught.value.hint


def test_numbers_of_numpy_are_numbers() -> None:
    given = {"crf": np.int64(20), "strength": np.float64(0.5), "fps": np.float32(25), "start": np.int32(2)}
    assert settings_from(given, RenderSettings("a")) == RenderSettings(
        "a", crf=20, strength=0.5, fps=Fraction(25), start=TimePoint(seconds=2.0)
    )


@pytest.mark.parametrize(
    "engine",
    [
        {"name": "dask"},
        {"workers": 0},
        {"name": "ray", "devices": ("gpu:0", "gpu:1")},
        {"workers": 3, "devices": ("gpu:0", "gpu:1")},
    ],
)
def test_an_engine_that_cannot_be_is_refused(engine: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        Engine(**engine)
    assert caught.value.hint
