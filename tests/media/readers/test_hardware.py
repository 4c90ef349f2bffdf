"""Decoding in hardware, with a fake in its place, and what happens where it does not work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from videostyle.errors import InputError
from videostyle.frames import UInt8Array
from videostyle.media.readers import hardware
from videostyle.media.readers.base import FrameReader, ReadOptions
from videostyle.media.readers.hardware import HardwareReader
from videostyle.media.readers.open import open_reader
from videostyle.media.readers.opencv import OpenCVReader
from videostyle.media.timecode import TimePoint


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """PyAV's decoder in software in place of that in hardware; hands out which ones were asked for."""
    asked: list[str] = []
    monkeypatch.setattr(hardware, "accelerated_by", lambda device: asked.append(device))
    hardware._tried.cache_clear()
    yield asked
    hardware._tried.cache_clear()


def joined(reader: FrameReader) -> tuple[UInt8Array, np.ndarray]:
    batches = list(reader)
    return np.concatenate([b.frames for b in batches]), np.concatenate([b.pts for b in batches])


@pytest.mark.parametrize("name", ["plain.mp4", "variable.mp4", "full.mp4"])
def test_frames_and_times_are_those_of_the_processor(clip: Callable[[str], Path], fake: list[str], name: str) -> None:
    with open_reader(clip(name), ReadOptions(hwaccel="cuda")) as reader, open_reader(clip(name)) as usual:
        assert isinstance(reader, HardwareReader)
        assert not reader.warnings
        (frames, times), (expected, at) = joined(reader), joined(usual)
    np.testing.assert_allclose(times, at, atol=1e-6)
    assert np.abs(frames.astype(int) - expected).mean() < 2
    assert set(fake) == {"cuda"}


def test_a_part_and_a_range_hold_the_frames_of_the_whole(tmp_path: Path, fake: list[str]) -> None:
    path, options = tmp_path / "keys.mp4", ReadOptions(hwaccel="vaapi")
    noise = np.random.default_rng(0).integers(0, 255, (60, 6, 8, 3), np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25, options={"g": "10"}, width=64, height=48, pix_fmt="yuv420p")
        for picture in noise:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    with open_reader(path, options) as reader:
        frames, times = joined(reader)
    first = len(frames) - 5
    for known in (list(times), None):
        with open_reader(path, options) as reader:
            reader.read_part(first, 3, known)
            part, at = joined(reader)
        np.testing.assert_array_equal(part, frames[first : first + 3])
        np.testing.assert_array_equal(at, times[first : first + 3])
    cut = ReadOptions(hwaccel="vaapi", start=TimePoint(frame=first), end=TimePoint(frame=first + 2))
    with open_reader(path, cut) as reader:
        np.testing.assert_array_equal(joined(reader)[0], frames[first : first + 2])


@pytest.mark.parametrize("name", ["turned90.mp4", "ten.mp4"])
def test_what_hardware_does_not_decode_is_decoded_by_the_processor_with_a_warning(
    clip: Callable[[str], Path], fake: list[str], name: str
) -> None:
    with open_reader(clip(name), ReadOptions(hwaccel="cuda")) as reader, open_reader(clip(name)) as usual:
        assert type(reader) is type(usual)
        assert len(reader.warnings) == 1
        assert "the processor does" in reader.warnings[0]


def test_a_machine_without_the_decoder_uses_the_processor_and_says_why(
    clip: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(device: str) -> Any:
        raise ValueError(f"no such device: {device}")

    monkeypatch.setattr(hardware, "accelerated_by", missing)
    hardware._tried.cache_clear()
    with (
        open_reader(clip("plain.mp4"), ReadOptions(hwaccel="d3d11va")) as reader,
        open_reader(clip("plain.mp4")) as usual,
    ):
        assert isinstance(reader, OpenCVReader)
        assert reader.warnings == ["d3d11va does not decode it (no such device: d3d11va); the processor does"]
        np.testing.assert_array_equal(joined(reader)[0], joined(usual)[0])
    hardware._tried.cache_clear()


def test_pyav_knows_no_decoder_of_this_name_or_says_why_it_fails(clip: Callable[[str], Path]) -> None:
    """Nothing is faked here: whatever the machine has, there is a reader."""
    for device in ("cuda", "vaapi", "videotoolbox", "d3d11va"):
        with open_reader(clip("plain.mp4"), ReadOptions(hwaccel=device)) as reader:
            assert isinstance(reader, HardwareReader) != bool(reader.warnings)


def test_a_decoder_that_fails_midway_is_an_error_that_says_what_to_do(
    clip: Callable[[str], Path], fake: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_reader(clip("plain.mp4"), ReadOptions(hwaccel="cuda")) as reader:
        monkeypatch.setattr(hardware, "open_container", lambda *_: Broken())
        with pytest.raises(InputError, match="cannot decode") as told:
            joined(reader)
    assert "hwaccel" in (told.value.hint or "")


class Broken:
    """A file whose decoder fails at once."""

    streams = (None,)

    def decode(self, _: object) -> Any:
        raise OSError("the GPU fell off the bus")
        yield

    def close(self) -> None:
        pass
