"""GIF and WebP are counted in the file that was written."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from videostyle.errors import OutputError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.media import webp
from videostyle.media.packets import stored_frames
from videostyle.media.writers.open import open_writer

INFO = VideoInfo(64, 48, fps=Fraction(25))


def write(path: Path, frames: np.ndarray, damage: object = None) -> None:
    writer = open_writer(path, INFO, finish=(lambda file, _: damage(file)) if callable(damage) else None)
    writer.write(FrameBatch(frames, np.arange(len(frames)) / 25, 0))
    writer.close()


def moving(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (count, 48, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
@pytest.mark.parametrize("frames", [moving(25), moving(1), moving(2).repeat(10, 0), moving(1).repeat(25, 0)])
def test_whole_files_are_accepted(suffix: str, frames: np.ndarray, tmp_path: Path) -> None:
    write(tmp_path / f"out{suffix}", frames)
    if suffix == ".gif":
        assert stored_frames(tmp_path / "out.gif") == len(frames)
    elif len(np.unique(frames, axis=0)) > 1:
        assert webp.duration(tmp_path / "out.webp") == pytest.approx(len(frames) / 25, abs=0.002)


def drop_a_frame(path: Path) -> None:
    """Takes the last frame out of a WebP, whose header goes on saying how large the file is."""
    data = path.read_bytes()
    data = data[: data.rindex(b"ANMF")]
    path.write_bytes(data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:])


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


@pytest.mark.parametrize(
    ("suffix", "damage", "words"),
    [
        (".gif", cut, "of 25 frames|cannot finish"),
        (".webp", cut, "not a complete WebP"),
        (".webp", lambda path: [drop_a_frame(path) for _ in range(3)], r"0\.88 of 1\.00 seconds"),
    ],
)
def test_what_is_missing_is_noticed(suffix: str, damage: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=words):
        write(tmp_path / f"out{suffix}", moving(25), damage)
    assert not list(tmp_path.iterdir())
