"""Pictures in and out: which files are frames, which names say what to write, and nothing half written."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from videostyle.errors import InputError, OutputError, UsageError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.images import in_sequence, missing_numbers, numbers_of, sequence_files
from videostyle.media.readers.open import expanded, open_reader
from videostyle.media.timecode import parse_time
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.images import ImageWriter, write_png
from videostyle.media.writers.open import open_writer, output_path
from videostyle.media.writers.video import VideoWriter

INFO = VideoInfo(64, 48, fps=Fraction(25))
STILL = VideoInfo(64, 48, still=True)
FRAME = np.zeros((48, 64, 3), np.uint8)


def test_hidden_files_are_not_frames(tmp_path: Path) -> None:
    for number in range(3):
        write_png(tmp_path / f"{number}.png", FRAME + number)
    (tmp_path / "._0.png").write_bytes(b"\0\5\x16\7Mac OS X")  # what macOS leaves beside files on other disks
    with open_reader(tmp_path) as reader:
        assert sum(len(batch) for batch in reader) == 3
    assert [file.name for file in sequence_files(tmp_path) or ()] == ["0.png", "1.png", "2.png"]
    assert not in_sequence(tmp_path, tmp_path / "._3.png")
    for file in tmp_path.glob("[0-9].png"):
        file.unlink()
    with pytest.raises(InputError, match="no pictures"):
        open_reader(tmp_path)


@pytest.mark.parametrize("name", ["out", "out_%04d", "out.png", "out.jpg", "out_%04d/x", "out.tiff"])
def test_a_name_that_does_not_say_what_to_write_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"does not say what to write \(write NAME.mp4"):
        open_writer(tmp_path / name, INFO)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "codec"), [("out", None), ("out.mp4", None), ("out.mp4", "png")])
def test_a_still_needs_a_picture_and_a_codec_its_container(name: str, codec: str | None, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not say what to write"):
        open_writer(tmp_path / name, STILL, EncodeOptions(codec))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "codec", "first"),
    [
        ("out_%04d.png", None, "out_0000.png"),
        ("new/out_%d.jpg", None, "new/out_0.jpg"),
        ("new/", None, "new/000000.png"),
        ("there", None, "there/000000.png"),
        ("there/", "png", "there/000000.png"),
        ("named", "png", "named/000000.png"),
    ],
)
def test_names_of_sequences(name: str, codec: str | None, first: str, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    writer = open_writer(f"{tmp_path}/{name}", INFO, EncodeOptions(codec))
    assert isinstance(writer, ImageWriter)
    writer.write(FrameBatch(FRAME[None], np.zeros(1), 0))
    writer.close()
    assert (tmp_path / first).is_file()


def test_a_number_in_the_name_of_a_video_is_part_of_the_name(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "take_%03d.mp4", INFO)
    assert isinstance(writer, VideoWriter)
    writer.abort()


def test_a_folder_ends_with_a_slash_and_is_made(tmp_path: Path) -> None:
    assert output_path(f"{tmp_path}/a/b/") == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()
    assert output_path(f"{tmp_path}/c") == tmp_path / "c"
    assert not (tmp_path / "c").exists()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        output_path(f"{tmp_path}/file/")


def test_options_that_mean_nothing_for_pictures_are_said(tmp_path: Path) -> None:
    for options in (EncodeOptions(crf=20), EncodeOptions(preset="fast"), EncodeOptions(pixel_format="rgb24")):
        with pytest.raises(UsageError, match="does not apply"):
            open_writer(tmp_path / "out_%04d.png", INFO, options)
        writer = open_writer(tmp_path / "out.png", STILL, options)
        assert any("does not apply" in warning for warning in writer.warnings)
        writer.abort()
    with pytest.raises(UsageError, match="beyond the scale"):
        open_writer(tmp_path / "out_%04d.jpg", INFO, EncodeOptions(crf=50))
    open_writer(tmp_path / "out_%04d.jpg", INFO, EncodeOptions(crf=20)).abort()
    assert not list(tmp_path.iterdir())


def test_a_png_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutputError, match="no picture of 0x48"):
        write_png(tmp_path / "a.png", FRAME[:, :0])
    assert not os.listdir(tmp_path)
    write_png(tmp_path / "a.png", FRAME)
    before = (tmp_path / "a.png").read_bytes()

    def full(self: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"no room|No space"):
        write_png(tmp_path / "a.png", FRAME + 1)
    assert os.listdir(tmp_path) == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before


def _pictures(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        write_png(folder / name, FRAME)
    return folder


def test_the_numbers_of_pictures_are_those_of_their_names() -> None:
    assert numbers_of([Path("take2_1001.png"), Path("take2_1002.png")]) == (1001, 1002)
    assert numbers_of([Path("a.png"), Path("b.png")]) == ()
    assert numbers_of([Path("a_1.png"), Path("b_2.png")]) == ()
    assert numbers_of([Path("a_1.png")]) == ()
    assert missing_numbers((1001, 1002)) == ""
    assert missing_numbers((1, 3)) == "1 picture is missing: number 2"
    assert missing_numbers((1, 2, 5, 9)) == "5 pictures are missing: number 3 to 4, 6 to 8"


def test_a_missing_number_is_said_and_refused_when_strict(tmp_path: Path) -> None:
    folder = _pictures(tmp_path / "in", "s_1001.png", "s_1002.png", "s_1005.png")
    with open_reader(folder / "s_%04d.png") as reader:
        assert reader.warnings == ["2 pictures are missing: number 1003 to 1004"]
        assert reader.numbers == (1001, 1002, 1005)
    with open_reader(folder, ReadOptions(start=parse_time("1f"))) as reader:
        assert reader.numbers == (1002, 1005)
    with pytest.raises(InputError, match="1003 to 1004"):
        open_reader(folder, ReadOptions(strict=True))


def test_a_pattern_of_a_shell_is_a_sequence(tmp_path: Path) -> None:
    folder = _pictures(tmp_path / "in", "a2.png", "a10.png", "b1.png", "._a3.png")
    assert [f.name for f in sequence_files(folder / "a*.png") or ()] == ["a2.png", "a10.png"]
    assert in_sequence(folder / "*.png", folder / "c.png")
    assert not in_sequence(folder / "a*.png", folder / "c.png")
    (folder / "clip.mp4").touch()
    with pytest.raises(InputError, match=r"'clip.mp4' is no picture"):
        sequence_files(folder / "*")
    with pytest.raises(InputError, match="nothing matches"):
        sequence_files(folder / "*.jpg")
    assert expanded([str(folder / "a*.png"), str(folder / "*.mp4"), "x.mp4"]) == [
        str(folder / "a*.png"), str(folder / "clip.mp4"), "x.mp4"
    ]  # fmt: skip


def test_one_frame_of_a_video_is_a_picture_where_the_name_is_that_of_one(tmp_path: Path) -> None:
    one = replace(INFO, frame_count=1)
    writer = open_writer(tmp_path / "frame.png", one)
    writer.write(FrameBatch(FRAME[None], np.zeros(1), 0))
    with pytest.raises(OutputError, match="more than one frame"):
        writer.write(FrameBatch(FRAME[None], np.ones(1), 1))
    assert writer.close() == tmp_path / "frame.png"
    with pytest.raises(UsageError, match="does not say what to write"):
        open_writer(tmp_path / "frames.png", replace(INFO, frame_count=2))
