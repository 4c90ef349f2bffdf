"""A real window on a virtual display."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from tests.live.fakes import ROOT, times_of

Clip = Callable[[str], Path]


WINDOWS = all(shutil.which(tool) for tool in ("Xvfb", "xdotool")) and "GUI:                           NONE" not in (
    cv2.getBuildInformation()
)


@pytest.mark.skipif(not WINDOWS, reason="needs Xvfb, xdotool and an OpenCV with windows; a fake screen is used above")
def test_a_real_window_shows_the_painting_and_takes_keys(clip: Clip, tmp_path: Path) -> None:
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "320x240x24"], pass_fds=[write], stderr=subprocess.DEVNULL
    )
    os.close(write)
    display = f":{os.read(read, 16).decode().strip()}"
    environment = {**os.environ, "DISPLAY": display, "PYTHONPATH": str(ROOT), "VIDEOSTYLE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "videostyle", "live", "--style", "great-wave", "--window", "--loop", "--json"]
    child = subprocess.Popen(
        [*command, "--input", str(clip("plain.mp4")), "--duration", "60"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )

    def press(key: str) -> None:
        subprocess.run(["xdotool", "key", key], env=environment, check=True, timeout=10)

    try:
        find = ["xdotool", "search", "--sync", "--name", "^videostyle$", "windowfocus", "--sync"]
        subprocess.run(find, env=environment, check=True, timeout=60)
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("videostyle-*.png")) and time.monotonic() < deadline:
            press("c")
            time.sleep(0.5)
        for key in ("s", "n", "f", "r"):
            press(key)
        time.sleep(2)
        press("r")
        press("q")
        output, _ = child.communicate(timeout=30)
    finally:
        child.kill()
        server.terminate()
        server.wait()
        os.close(read)
    assert child.returncode == 0
    report = json.loads(output.splitlines()[-1])
    assert len(times_of(tmp_path / "videostyle-001.mp4")) == report["outputs"]["videostyle-001.mp4"]["frames"] > 5
    assert cv2.imread(str(next(tmp_path.glob("*.png")))).shape == (48, 64, 3)
