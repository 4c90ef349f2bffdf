"""What ``bench`` found is kept, and ``render`` and ``doctor`` use it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")
from videostyle.cli.main import main
from videostyle.frames import VideoInfo
from videostyle.inference import device as machine
from videostyle.inference import tuning
from videostyle.inference.device import device_key

Clip = Callable[[str], Path]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_kept_measurement_decides_how_render_computes(
    clip: Clip, own_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from videostyle.rendering.processor_cache import make_style_processor
    from videostyle.rendering.settings import RenderSettings
    from videostyle.styles.resolve import resolve

    tuning.save("/CPU:0", tuning.Tuning("bfloat16", 3 * 64 * 48, 10.0, (64, 48), "2026-01-01T00:00:00+00:00"))
    chosen = make_style_processor(resolve("great-wave"), RenderSettings("great-wave"))
    assert chosen.precision == "bfloat16"
    assert chosen.frames_per_call(VideoInfo(64, 48)) == 2  # the power of two below three
    asked = make_style_processor(resolve("great-wave"), RenderSettings("great-wave", precision="float32"))
    assert asked.precision == "float32"
    main(["doctor"])
    assert "bfloat16, 0.01 megapixels at once, 10.0 frames/s" in capsys.readouterr().out
    assert machine.choose_precision("auto", "/CPU:0") in machine.PRECISIONS


@pytest.mark.parametrize("text", ["", "[]", "{", '{"x": 1}'])
def test_a_broken_measurement_is_not_used(own_home: Path, text: str) -> None:
    own_home.mkdir()
    tuning.path().write_text(text)
    assert tuning.load("/CPU:0") is None
    key = device_key("/CPU:0")
    tuning.path().write_text(json.dumps({key: {"precision": "float64", "batch_pixels": 9}}))
    assert tuning.load("/CPU:0") is None
