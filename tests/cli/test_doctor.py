"""``videostyle doctor``."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from videostyle.cli import doctor
from videostyle.cli.main import main
from videostyle.errors import UsageError


def test_doctor_finds_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    checks = {c["what"]: c["ok"] for c in json.loads(capsys.readouterr().out)["checks"]}
    assert all(checks[name] for name in ("OpenCV", "ffmpeg", "backend", "styles"))


def test_doctor_shows_the_configuration_and_where_it_belongs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path))
    check, _ = doctor.CHECKS["config"]
    assert check() == (f"{tmp_path / 'config.toml'}: none, so defaults hold; it may hold settings such as crf = 20")
    (tmp_path / "config.toml").write_text("crf = 30\nmax_size = 640\n")
    assert check() == f"{tmp_path / 'config.toml'}: crf = 30, max_size = 640"
    (tmp_path / "config.toml").write_text("crf = 'low'\n")
    with pytest.raises(UsageError, match="crf: cannot use 'low'"):
        check()


def test_doctor_names_the_package_of_a_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    from videostyle.errors import DeviceError
    from videostyle.media import opencv

    opencv.load_cv2.cache_clear()
    monkeypatch.setitem(sys.modules, "cv2", None)
    real = __import__

    def broken(name: str, *rest: object, **more: object) -> object:
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file")
        return real(name, *rest, **more)

    monkeypatch.setattr("builtins.__import__", broken)
    with pytest.raises(DeviceError, match="apt install libgl1"):
        opencv.load_cv2()
    monkeypatch.undo()
    opencv.load_cv2.cache_clear()


def _illegal() -> None:
    os.kill(os.getpid(), signal.SIGILL)


def test_doctor_tells_of_a_library_that_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    from videostyle.cli import doctor
    from videostyle.inference import startup

    assert doctor._ends_by(_illegal) == "SIGILL"
    assert doctor._ends_by(print) == ""
    monkeypatch.setattr(startup, "load_backend", _illegal)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    with pytest.raises(RuntimeError, match=r"SIGILL.*another machine"):
        doctor._backend()
