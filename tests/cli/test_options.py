"""Options that several verbs share, and what their help says of codecs."""

from __future__ import annotations

import argparse
import re
import sys

import pytest

from videostyle.cli import options
from videostyle.cli.parser import parse
from videostyle.errors import DeviceError, SettingError, UsageError
from videostyle.media.ffmpeg.codecs import CODECS, HARDWARE, WORST_PICTURE


def told(option: str) -> str:
    parser = argparse.ArgumentParser()
    options.add_render_options(parser)
    return next(action.help or "" for action in parser._actions if option in action.option_strings)


def test_help_names_every_codec() -> None:
    named = re.findall(r"\w+", told("--codec"))
    assert set(CODECS) - set(HARDWARE) <= set(named)
    assert "h264_nvenc" in named


def test_help_tells_the_scale_and_the_usual_quality_of_each_codec() -> None:
    text = told("--crf")
    for name, codec in CODECS.items():
        if name in HARDWARE or not codec.quality_option or name == "webp":
            continue
        assert f"{name} {codec.quality}" in text
        assert re.search(rf"0 to {codec.worst_quality} for [\w ]*{name}", text), name
    assert f"0 to {WORST_PICTURE} for JPEG and WebP" in text
    without = text.split(";")[1]
    assert all(name in without for name, codec in CODECS.items() if not codec.quality_option and name not in HARDWARE)


def test_help_tells_the_presets_of_each_codec() -> None:
    text = told("--preset")
    for first, last in ((CODECS[name].presets[0], CODECS[name].presets[-1]) for name in ("h264", "av1", "vp9")):
        assert re.search(rf"{first}[ \w()]* to {last}", text)


@pytest.mark.parametrize("text", ["640", "640x", "8x8", "9000x640", "641x360"])
def test_a_size_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="640x360"):
        options.size(text, even=True)
    assert options.size("640X360", even=True) == (640, 360)


def test_no_strength_has_no_sign() -> None:
    given, _ = parse(["render", "a.mp4", "--style", "b", "--strength", "-0"])
    assert str(given.strength) == "0.0"


def test_ray_is_looked_for_before_anything_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    given, _ = parse(["render", "a.mp4", "--style", "b", "--engine", "ray"])
    with pytest.raises(DeviceError, match=r"videostyle\[cluster\]"):
        options.engine_from(given)


@pytest.mark.parametrize("text", ["gpu:0,gpu:0", "gpu:0,", ","])
def test_devices_are_named_once_each(text: str) -> None:
    with pytest.raises(SettingError, match=r"device: .*gpu:0,gpu:1"):
        options._devices(argparse.Namespace(device=text))
