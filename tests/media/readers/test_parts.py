"""A part of a clip, and its frames as they leave the decoder, are those of the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import X264, ffmpeg
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import open_reader


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shots, 600 frames of variable rate, sound."""
    folder = tmp_path_factory.mktemp("film")
    shots = [folder / f"shot{i}.mkv" for i in range(3)]
    for path, source in zip(shots, ("testsrc2", "mandelbrot", "rgbtestsrc"), strict=True):
        ffmpeg("-f", "lavfi", "-i", f"{source}=s=64x48:r=25", "-t", "8", *X264, path)
    (folder / "list.txt").write_text("".join(f"file '{path.name}'\n" for path in shots))
    path = folder / "film.mp4"
    ffmpeg("-f", "concat", "-i", folder / "list.txt", "-f", "lavfi", "-i", "sine=f=440:d=24",
           "-vf", "setpts='PTS+if(gt(N,100),0.5/TB,0)'", "-fps_mode", "vfr", "-video_track_timescale", "12800",
           *X264, "-c:a", "aac", path)  # fmt: skip
    return path


def test_raw_frames_become_those_of_batches(film: Path) -> None:
    with open_reader(film, ReadOptions(max_size=32)) as source:
        expected = np.concatenate([batch.frames for batch in source])
    with open_reader(film, ReadOptions(max_size=32)) as source:
        found = np.stack([source.delivered(frame) for frame, _ in source.raw_frames()])
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("known", [True, False])
def test_a_part_holds_the_frames_of_the_whole(known: bool, film: Path) -> None:
    with open_reader(film) as source:
        frames, times = zip(*[(f, t) for b in source for f, t in zip(b.frames, b.pts, strict=True)], strict=True)
    for first, count in ((0, 5), (1, 3), (99, 7), (240, 11), (597, 3)):
        with open_reader(film, ReadOptions(batch_size=4)) as source:
            source.read_part(first, count, times if known else None)
            batches = list(source)
        assert batches[0].index == first
        assert np.array_equal(np.concatenate([b.frames for b in batches]), np.stack(frames[first : first + count]))
        assert np.allclose(np.concatenate([b.pts for b in batches]), times[first : first + count], atol=1e-6)


def test_a_wrong_expectation_of_a_seek_costs_time_and_nothing_else(film: Path) -> None:
    with open_reader(film) as source:
        frame = next(b.frames[2] for b in source if b.index == 100)
    with open_reader(film) as source:
        source.read_part(102, 1, [99.0] * 600)
        assert np.array_equal(next(iter(source)).frames[0], frame)
