"""Live runs on systems other than Linux, faked."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.live.fakes import ROOT
from videostyle.live.window import check_display
from videostyle.media.readers.camera import list_cameras

# Removes what Windows lacks before the package is imported; `os.name` and paths stay those of this system.
WITHOUT_POSIX = """
import importlib, pkgutil, signal, socket, sys
import filelock, psutil  # these have their own code for each system
for name in ("fcntl", "resource", "termios", "pwd", "grp"):
    sys.modules[name] = None
for module, names in ((signal, ("pthread_sigmask", "SIGKILL", "SIGHUP")), (socket, ("AF_UNIX",))):
    for name in names:
        delattr(module, name)
import videostyle.live
names = [module.name for module in pkgutil.walk_packages(videostyle.live.__path__, "videostyle.live.")]
assert "videostyle.live.outputs.recording" in names
for name in [*names, "videostyle.media.readers.camera", "videostyle.cli.live"]:
    importlib.import_module(name)
"""


def test_no_module_of_live_needs_posix_at_import() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_a_window_needs_no_x_display_elsewhere(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    check_display()


def test_without_dev_no_cameras_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pathlib.Path.is_dir", lambda path: False)
    assert list_cameras() == []
