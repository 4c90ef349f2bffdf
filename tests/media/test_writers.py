"""The contract of all writers: a new one is tested by adding its outputs to ``OUTPUTS``."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from videostyle.errors import OutputError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.media.readers.open import open_reader
from videostyle.media.writers.base import EncodeOptions, FrameWriter
from videostyle.media.writers.images import ImageWriter
from videostyle.media.writers.open import open_writer
from videostyle.media.writers.video import VideoWriter

VIDEO, STILL = VideoInfo(64, 64, fps=Fraction(25)), VideoInfo(64, 64, still=True)
# name: codec, what is written, the kind of writer
OUTPUTS: dict[str, tuple[str | None, VideoInfo, type]] = {
    **{f"out{suffix}": (None, VIDEO, VideoWriter) for suffix in (".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts")},
    **{f"{codec}.mkv": (codec, VIDEO, VideoWriter) for codec in ("hevc", "av1", "ffv1", "prores")},
    **{f"out{suffix}": (None, VIDEO, VideoWriter) for suffix in (".gif", ".webp")},
    **{f"still{suffix}": (None, STILL, ImageWriter) for suffix in (".png", ".jpg", ".webp", ".tiff")},
}
SEQUENCES = ("out_%03d.png", "out_%03d.jpg")
FRAMES = np.random.default_rng(0).integers(0, 255, (8, 64, 64, 3), dtype=np.uint8)


def opened(path: Path, *, overwrite: bool = False) -> FrameWriter:
    codec, info, kind = OUTPUTS[path.name]
    writer = open_writer(path, info, EncodeOptions(codec, overwrite=overwrite))
    assert isinstance(writer, kind)
    return writer


def frames_of(name: str) -> np.ndarray:
    return FRAMES[:1] if OUTPUTS[name][1].still else FRAMES


def write(writer: FrameWriter, frames: np.ndarray) -> None:
    for first in range(0, len(frames), 3):
        part = frames[first : first + 3]
        writer.write(FrameBatch(part, (first + np.arange(len(part))) / 25, first))


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_output_is_there_after_close_and_not_before(name: str, tmp_path: Path) -> None:
    writer = opened(tmp_path / name)
    write(writer, frames_of(name))
    assert not (tmp_path / name).exists()
    assert writer.close() == tmp_path / name
    writer.abort()
    assert os.listdir(tmp_path) == [name]
    if name.endswith(".webp") and not OUTPUTS[name][1].still:
        return  # OpenCV may lack the decoder of animated WebP; test_webp.py counts
    with open_reader(tmp_path / name) as reader:
        assert sum(len(batch) for batch in reader) == len(frames_of(name))


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_aborted_output_leaves_nothing(name: str, tmp_path: Path) -> None:
    writer = opened(tmp_path / name)
    write(writer, frames_of(name))
    writer.abort()
    writer.abort()
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_older_output_stays_until_the_new_one_is_complete(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        opened(tmp_path / name)
    writer = opened(tmp_path / name, overwrite=True)
    write(writer, frames_of(name))
    assert (tmp_path / name).read_text() == "precious"
    writer.abort()
    assert (tmp_path / name).read_text() == "precious"
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_without_frames_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no frame"):
        opened(tmp_path / name).close()
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", [*OUTPUTS, *SEQUENCES])
def test_two_writers_do_not_write_one_output(name: str, tmp_path: Path) -> None:
    codec, info, _ = OUTPUTS.get(name, (None, VIDEO, ImageWriter))
    writer = open_writer(tmp_path / name, info, EncodeOptions(codec))
    with pytest.raises(OutputError, match="another run"):
        open_writer(tmp_path / name, info, EncodeOptions(codec))
    writer.abort()
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", SEQUENCES)
def test_pictures_of_a_sequence_are_whole_and_stay(name: str, tmp_path: Path) -> None:
    writer = open_writer(tmp_path / name, VIDEO)
    write(writer, FRAMES[:6])
    assert len([file for file in os.listdir(tmp_path) if not file.startswith(".")]) == 6
    writer.abort()
    assert sorted(os.listdir(tmp_path)) == [name % number for number in range(6)]
    with open_reader(tmp_path / name) as reader:
        assert sum(len(batch) for batch in reader) == 6
