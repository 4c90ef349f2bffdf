"""A studio with a clip and a picture, which paints nothing unless a test lets it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("starlette", reason="the studio is not installed: pip install 'videostyle[studio]'")

from tests.studio.asking import PORT, TOKEN, Client
from videostyle.studio.app import make_app
from videostyle.studio.studio import Studio


@pytest.fixture
def folder(tmp_path: Path, clip: Callable[[str], Path]) -> Path:
    """What the user named: a clip, a picture, a folder in it, and links that lead outside."""
    found = tmp_path / "named"
    (found / "day 1").mkdir(parents=True)
    shutil.copy(clip("plain.mp4"), found / "plain.mp4")
    shutil.copy(clip("plain.mp4"), found / "day 1" / "inner.mp4")
    cv2.imwrite(str(found / "photo.png"), np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3))
    (found / ".hidden.mp4").write_bytes(b"SECRET")
    (found / "notes.txt").write_text("SECRET")
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("secret.mp4", "secret.png", "secret.toml", "secret.csv"):
        (outside / name).write_text("SECRET")
    (found / "link.mp4").symlink_to(outside / "secret.mp4")
    (found / "link.toml").symlink_to(outside / "secret.toml")
    (found / "way").symlink_to(outside, target_is_directory=True)
    return found


@pytest.fixture
def studio(folder: Path, tmp_path: Path) -> Iterator[Studio]:
    """A studio whose queue does not run."""
    found = Studio([folder], tmp_path / "work", upload_limit=10_000)
    yield found
    found.close()


@pytest.fixture
def client(studio: Studio) -> Client:
    return Client(make_app(studio, PORT, TOKEN))
