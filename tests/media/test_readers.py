"""The contract of all readers: a new one is tested by adding what it reads to ``INPUTS``."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from videostyle.media.readers.base import FrameReader, ReadOptions
from videostyle.media.readers.ffmpeg import FFmpegReader
from videostyle.media.readers.images import ImageReader
from videostyle.media.readers.open import look_at, open_reader
from videostyle.media.readers.opencv import OpenCVReader
from videostyle.media.timecode import TimePoint
from videostyle.media.writers.images import write_png

INPUTS: dict[str, type[FrameReader]] = {
    **dict.fromkeys(("plain.mp4", "variable.mp4", "odd.mkv", "raw.h264", "turned90.mp4", "full.mp4"), OpenCVReader),
    **dict.fromkeys(("ten.mp4", "hdr.mp4", "interlaced.mp4"), FFmpegReader),
    **dict.fromkeys(("folder", "pattern", "still.png"), ImageReader),
}


@pytest.fixture(params=INPUTS)
def path(request: pytest.FixtureRequest, clip: Callable[[str], Path], tmp_path: Path) -> Path:
    name = request.param
    if INPUTS[name] is not ImageReader:
        return clip(name)
    pictures = np.random.default_rng(0).integers(0, 255, (9, 48, 64, 3), dtype=np.uint8)
    for number, picture in enumerate(pictures[:1] if name == "still.png" else pictures):
        write_png(tmp_path / ("still.png" if name == "still.png" else f"{number:04d}.png"), picture)
    return tmp_path / {"folder": ".", "pattern": "%04d.png", "still.png": "still.png"}[name]


def joined(reader: FrameReader) -> tuple[np.ndarray, np.ndarray]:
    batches = list(reader)
    return np.concatenate([b.frames for b in batches]), np.concatenate([b.pts for b in batches])


def test_the_right_reader_is_chosen(path: Path, request: pytest.FixtureRequest) -> None:
    with open_reader(path) as reader:
        assert type(reader) is INPUTS[request.node.callspec.params["path"]]


def test_batches_are_full_numbered_and_of_the_declared_size(path: Path) -> None:
    with open_reader(path, ReadOptions(batch_size=4)) as reader:
        info = reader.info
        batches = list(reader)
    assert all(b.frames.shape[1:] == (info.height, info.width, 3) and b.frames.dtype == np.uint8 for b in batches)
    assert all(len(b) == 4 for b in batches[:-1])
    assert [b.index for b in batches] == list(range(0, 4 * len(batches), 4))
    assert (np.diff(np.concatenate([b.pts for b in batches])) > 0).all()
    assert not any(np.shares_memory(a.frames, b.frames) for a, b in pairwise(batches))


def test_opencv_s_rounding_is_made_up_for_in_the_memory_of_the_batch(clip: Callable[[str], Path]) -> None:
    with open_reader(clip("plain.mp4")) as reader:
        picture, _ = next(reader.raw_frames())
        place = np.empty_like(picture)
        given = reader.delivered(picture, place)
        assert np.shares_memory(given, place)
        np.testing.assert_array_equal(given, np.where(picture == 0, 0, np.minimum(picture, 254) + 1)[..., ::-1])


def test_an_input_that_is_known_is_read_again_alike(path: Path) -> None:
    known = look_at(path)
    with open_reader(known, ReadOptions(batch_size=2)) as one, open_reader(one.input, ReadOptions(batch_size=5)) as two:
        for first, second in zip(joined(one), joined(two), strict=True):
            np.testing.assert_array_equal(first, second)


def test_raw_frames_become_those_of_batches(path: Path) -> None:
    with open_reader(path, ReadOptions(max_size=32)) as reader, open_reader(path, ReadOptions(max_size=32)) as raw:
        frames, times = joined(reader)
        found = [(raw.delivered(picture), time) for picture, time in raw.raw_frames()]
    np.testing.assert_array_equal(frames, np.stack([picture for picture, _ in found]))
    np.testing.assert_array_equal(times, [time for _, time in found])


@pytest.mark.parametrize("known", [True, False])
def test_a_part_holds_the_frames_of_the_whole(path: Path, known: bool) -> None:
    with open_reader(path) as reader:
        frames, times = joined(reader)
    first = len(frames) // 2
    with open_reader(path) as reader:
        reader.read_part(first, 2, list(times) if known else None)
        batches = list(reader)
    assert batches[0].index == first
    np.testing.assert_array_equal(np.concatenate([b.frames for b in batches]), frames[first : first + 2])
    np.testing.assert_array_equal(np.concatenate([b.pts for b in batches]), times[first : first + 2])


def test_start_and_end_select_frames(path: Path) -> None:
    with open_reader(path) as reader:
        frames, times = joined(reader)
    if len(frames) < 8:
        return
    with open_reader(path, ReadOptions(start=TimePoint(frame=2), end=TimePoint(frame=6))) as reader:
        part, part_times = joined(reader)
    np.testing.assert_array_equal(part, frames[2:6])
    np.testing.assert_array_equal(part_times, times[2:6])


def test_a_reader_stops_and_closes(path: Path) -> None:
    reader = open_reader(path, ReadOptions(batch_size=1))
    iterator = iter(reader)
    next(iterator)
    reader.stop()
    assert sum(1 for _ in iterator) <= 1
    reader.close()
    reader.close()
