"""Sequences of pictures, painted and read."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ffmpeg
from tests.rendering.conftest import FRAMES
from videostyle.errors import OutputError, UsageError
from videostyle.media.readers.open import open_reader
from videostyle.media.timecode import parse_time
from videostyle.rendering import chunk_writers, chunks
from videostyle.rendering.chunk_store import finished_chunks
from videostyle.rendering.job_store import Job, load_job, work_folder
from videostyle.rendering.render import render
from videostyle.rendering.settings import Engine, RenderSettings


class Crash(BaseException):
    """What nothing catches."""


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: hashlib.sha256(path.read_bytes()).digest() for path in sorted(folder.glob("*.png"))}


def test_a_sequence_of_painted_pictures_is_the_frames_in_colour(film: Path, style: str, tmp_path: Path) -> None:
    from videostyle.media.provenance import read
    from videostyle.media.readers.pictures import read_picture
    from videostyle.rendering.iterate import iterate

    settings = RenderSettings(style, end=parse_time("30f"))
    report = render(film, tmp_path / "frames" / "f_%03d.png", settings)
    painted = np.concatenate([batch.frames for batch in iterate(film, settings)])
    files = sorted((tmp_path / "frames").iterdir())
    assert report.frames == len(files) == 30
    assert np.array_equal(np.stack([read_picture(file) for file in files]), painted)
    assert read(files[7], {}) is not None
    with pytest.raises(OutputError, match="exists already"):
        render(film, tmp_path / "frames" / "f_%03d.png", settings)


@pytest.mark.parametrize("engine", [Engine(), Engine(workers=2)])
def test_a_sequence_that_was_broken_off_goes_on(
    engine: Engine, film: Path, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    settings = RenderSettings(style, codec="png")
    render(film, tmp_path / "whole", settings)
    expected = pictures(tmp_path / "whole")
    assert len(expected) == FRAMES
    commit = chunk_writers.commit_pictures

    def crash(job: Job, number: int, conditions: object) -> None:
        if number == 1:
            raise Crash
        commit(job, number, conditions)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(chunk_writers, "commit_pictures", crash)
        with pytest.raises(Crash):
            render(film, tmp_path / "out", settings)
    (tmp_path / "out" / "000003.png").write_bytes(b"damaged meanwhile")
    job = load_job(work_folder(tmp_path / "out"))
    assert job is not None
    assert finished_chunks(job) == set()
    chunks.paint_in_folders([str(job.folder)], [0])
    report = render(film, tmp_path / "out", settings, engine=engine)
    assert report.resumed == job.plan.chunks[0][1]
    assert pictures(tmp_path / "out") == expected
    assert sorted(os.listdir(tmp_path)) == ["out", "whole"]


@pytest.mark.parametrize("name", ["50% done/out_%04d.png", "50% done %/frames", "one/50%_done_%03d.png"])
def test_n5_per_cent_signs_in_names_of_a_sequence_are_names(name: str, film: Path, style: str, tmp_path: Path) -> None:

    settings = RenderSettings(style, end=parse_time("3f"), codec="png")
    report = render(film, tmp_path / name, settings)
    folder, pattern = (tmp_path / name).parent, Path(name).name
    if "%" not in pattern:
        folder, pattern = tmp_path / name, "%06d.png"
    head, tail = pattern.rsplit("%", 1)
    digits = int(tail.split("d")[0])
    assert report.frames == 3
    assert sorted(os.listdir(folder)) == [f"{head}{n:0{digits}d}.png" for n in range(3)]


def test_a_sequence_is_written_by_one_run_at_a_time(film: Path, style: str, tmp_path: Path) -> None:
    from videostyle.media.writers.base import EncodeOptions
    from videostyle.media.writers.open import open_writer

    with open_reader(film) as source:
        sink = open_writer(tmp_path / "out", source.info, EncodeOptions(codec="png"))
    with pytest.raises(OutputError, match="being written by another run"):
        render(film, tmp_path / "out", RenderSettings(style, codec="png"))
    sink.abort()
    assert os.listdir(tmp_path) == ["out"]


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 250 pictures: two chunks."""
    folder = tmp_path_factory.mktemp("drawings")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=32x32:r=25", "-t", "10", folder / "in_%04d.png")
    return folder


def test_many_pictures_are_shown_at_the_rate_asked_for(drawings: Path, style: str, tmp_path: Path) -> None:

    settings = RenderSettings(style, fps=10)
    job = load_job(render(drawings, tmp_path / "out.mp4", settings, plan_only=True).output)
    assert job is not None
    assert len(job.plan.chunks) == 2
    assert job.plan.times == pytest.approx([n / 10 for n in range(250)])


def test_pictures_beside_those_of_the_input_do_not_keep_it_from_going_on(
    drawings: Path, style: str, tmp_path: Path
) -> None:
    folder = tmp_path / "both"
    shutil.copytree(drawings, folder)
    settings = RenderSettings(style)
    job = render(folder / "in_%04d.png", folder / "out_%04d.png", settings, plan_only=True).output
    chunks.paint_in_folders([str(job)], [0])
    report = render(folder / "in_%04d.png", folder / "out_%04d.png", settings)
    assert (report.resumed, report.frames) == (128, 250)
    assert len(list(folder.glob("out_*.png"))) == 250


@pytest.mark.parametrize(
    ("source", "output"),
    [
        (".", "out_%04d.png"),
        (".", "out.webp"),
        ("in_%04d.png", "in_%06d.png"),
        ("in_%04d.png", "in_%02d.png"),
    ],
)
def test_an_output_that_would_be_read_as_input_is_refused(
    source: str, output: str, drawings: Path, style: str, tmp_path: Path
) -> None:
    folder = tmp_path / "both"
    shutil.copytree(drawings, folder)
    before = sorted(os.listdir(folder))
    settings = RenderSettings(style)
    with pytest.raises(OutputError, match="among the pictures of the input"):
        render(folder / source, folder / output, settings)
    assert sorted(os.listdir(folder)) == before
    assert os.listdir(tmp_path) == ["both"]


def numbered_input(folder: Path, *numbers: int) -> Path:
    from videostyle.media.writers.images import write_png

    folder.mkdir()
    for number in numbers:
        write_png(folder / f"shot_{number:04d}.png", np.full((32, 32, 3), number % 200, np.uint8))
    return folder / "shot_%04d.png"


def test_pictures_keep_their_numbers(style: str, tmp_path: Path) -> None:
    source = numbered_input(tmp_path / "in", 1001, 1002, 1004)
    report = render(source, tmp_path / "out_%04d.png", RenderSettings(style))
    assert sorted(path.name for path in tmp_path.glob("out_*")) == ["out_1001.png", "out_1002.png", "out_1004.png"]
    assert any("number 1003" in warning for warning in report.warnings)
    render(source, tmp_path / "part_%d.png", RenderSettings(style, start=parse_time("1f")))
    assert sorted(path.name for path in tmp_path.glob("part_*")) == ["part_1002.png", "part_1004.png"]


def test_where_outputs_go(clip: Callable[[str], Path], style: str, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(clip("one.mp4").read_bytes())

    def painted(output: str, **options: Any) -> str:
        report = render(tmp_path / "a.mp4", f"{tmp_path}/{output}", RenderSettings(style, **options))
        return str(report.output.relative_to(tmp_path))

    assert painted("new/") == "new/a_stylized_random.mp4"
    assert painted("new", strength=1.0, codec="prores") == "new/a_stylized_random.mov"
    assert painted("frame.png") == "frame.png"
    assert painted("new/", codec="png") == "new/a_stylized_random"  # pictures never lie about in a folder
    assert painted("frames", codec="png") == "frames"
    assert painted("frames", codec="png", overwrite=True) == "frames"  # the same place again
    assert sorted(os.listdir(tmp_path / "frames")) == ["000000.png"]
    with pytest.raises(UsageError, match="standard output"):
        render(tmp_path / "a.mp4", "-", RenderSettings(style))
    with pytest.raises(UsageError, match="does not say what to write"):
        painted("name")
    assert not (tmp_path / "name").exists()
