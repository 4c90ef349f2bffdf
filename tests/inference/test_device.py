"""What is computed on, and in which precision."""

from __future__ import annotations

from pathlib import Path

import pytest

tf = pytest.importorskip("tensorflow")
from videostyle.errors import DeviceError, UsageError
from videostyle.inference import device
from videostyle.inference.device import choose_device, choose_precision


def test_devices_and_precisions() -> None:
    assert choose_device("cpu") == "/CPU:0"
    with pytest.raises(DeviceError, match="no device"):
        choose_device("gpu:7")
    assert choose_precision("float32", "/CPU:0") == "float32"
    assert choose_precision("auto", "/CPU:0") in ("float32", "bfloat16")
    assert choose_precision("bfloat16", "/CPU:0", deep=True) == "bfloat16"
    with pytest.raises(UsageError):
        choose_precision("float64", "/CPU:0")


def test_a_gpu_computes_in_float16() -> None:
    assert choose_precision("auto", "/GPU:0") == choose_precision("auto", "/GPU:0", deep=True) == "float16"


def test_more_than_8_bits_are_never_painted_in_bfloat16_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for flags, chosen in (({"amx_bf16"}, ("bfloat16", "mixed")), (set(), ("float32", "float32"))):
        monkeypatch.setattr(device, "cpu_flags", lambda flags=flags: frozenset(flags))
        assert tuple(choose_precision("auto", "/CPU:0", deep=deep) for deep in (False, True)) == chosen


def test_the_gain_of_bfloat16_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What else runs at the moment must not change the precision, and the frames, from one command to the next."""
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path / "home"))
    measured_gain = device.bfloat16_gain.__wrapped__  # past the cache, which other tests go on using
    gain = measured_gain()
    monkeypatch.setattr(device, "shortest_seconds", None)
    assert measured_gain() == gain > 0
