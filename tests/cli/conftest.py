"""What tests of the command line share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from videostyle.cli.main import main
from videostyle.media.readers.open import open_reader
from videostyle.media.readers.pictures import read_picture

ROOT = Path(__file__).parent.parent.parent
Clip = Callable[[str], Path]


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path_factory.mktemp("home")))


def command(*words: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "videostyle", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
    )


def frames_of(path: Path) -> np.ndarray:
    with open_reader(path) as source:
        return np.concatenate([b.frames for b in source])


def inspected(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["inspect", str(path)]) == 0
    return capsys.readouterr().out


def small_painting(path: Path) -> Path:
    """Writes a picture of 96x64 to learn from, which takes a fraction of the time of a large one."""
    picture = read_picture(ROOT / "samples" / "harbour.jpg")[100:164, 200:296]
    cv2.imwrite(str(path), picture[..., ::-1])
    return path
