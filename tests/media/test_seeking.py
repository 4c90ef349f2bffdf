"""Readers that seek give the frames of those that decode from the beginning, bit for bit, at the same times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ffmpeg as make
from videostyle.errors import UsageError
from videostyle.media.readers.base import FrameReader, ReadOptions
from videostyle.media.readers.ffmpeg import FFmpegReader
from videostyle.media.readers.images import ImageReader
from videostyle.media.readers.open import open_reader
from videostyle.media.readers.opencv import OpenCVReader
from videostyle.media.timecode import TimePoint

Film = Callable[[str], Path]

FRAMES = 300
CARD = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=12")
NOISE = ("-vf", "noise=alls=20:allf=t:all_seed=7")  # every frame differs from every other
X264 = ("-c:v", "libx264", "-threads", "1", "-pix_fmt", "yuv420p")
TEN = ("-pix_fmt", "yuv420p10le")
X265 = ("-c:v", "libx265")
QUIET = "log-level=none:pools=1:frame-threads=1"
VARIABLE = "noise=alls=20:allf=t:all_seed=7,select='gt(mod(n\\,7)\\,2)+lt(n\\,90)'"
INTERLACED = "tinterlace=interleave_top,fieldorder=tff"
HDR = "format=yuv420p10le,setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084"

# name: how it is made, and whether a part in its middle is reached by a seek
FILMS: dict[str, tuple[tuple[str, ...], bool]] = {
    "b_frames.mp4": ((*CARD, *NOISE, *X264, "-bf", "3", "-g", "30"), True),
    "b_frames.mkv": ((*CARD, *NOISE, *X264, "-bf", "3", "-g", "30"), True),
    "b_frames.ts": ((*CARD, *NOISE, *X264, "-bf", "3", "-g", "30"), True),
    "open_gop.mp4": ((*CARD, *NOISE, *X264, "-g", "24", "-x264-params", "open-gop=1:bframes=5:b-pyramid=normal"), True),
    "long_gop.mp4": ((*CARD, *NOISE, *X264, "-g", "1000", "-sc_threshold", "0"), True),
    "refresh.mp4": ((*CARD, *NOISE, *X264, "-g", "40", "-x264-params", "intra-refresh=1"), True),
    "ntsc.mov": (("-f", "lavfi", "-i", "testsrc2=s=64x48:r=30000/1001:d=10.01", *NOISE, *X264, "-g", "30"), True),
    "variable.mkv": ((*CARD, "-vf", VARIABLE, "-fps_mode", "vfr", *X264, "-g", "30"), True),
    "variable.mp4": ((*CARD, "-vf", VARIABLE, "-fps_mode", "vfr", *X264, "-g", "30"), True),
    "late.mkv": ((*CARD, *NOISE, *X264, "-g", "30", "-output_ts_offset", "5"), True),
    "mpeg4.avi": ((*CARD, *NOISE, "-c:v", "mpeg4", "-g", "30", "-bf", "0"), True),
    "flash.flv": ((*CARD, *NOISE, *X264, "-g", "30"), True),
    "vp8.webm": ((*CARD, *NOISE, "-c:v", "libvpx", "-g", "30", "-auto-alt-ref", "1", "-cpu-used", "8"), True),
    "vp9.webm": ((*CARD, *NOISE, "-c:v", "libvpx-vp9", "-g", "30", "-cpu-used", "8", "-row-mt", "0"), True),
    "photo.mov": ((*CARD, *NOISE, "-c:v", "mjpeg"), True),
    "av1.mp4": ((*CARD, *NOISE, "-c:v", "libsvtav1", "-preset", "12", "-g", "30", "-svtav1-params", "lp=1"), True),
    "hevc.mp4": ((*CARD, *NOISE, *X265, "-x265-params", QUIET + ":keyint=30", "-pix_fmt", "yuv420p"), True),
    "ten.mp4": ((*CARD, *NOISE, *X265, "-x265-params", QUIET + ":keyint=24:open-gop=1", *TEN), True),
    "ten.mkv": ((*CARD, *NOISE, *X264, "-g", "30", *TEN), True),
    "hdr.mp4": ((*CARD, "-vf", HDR, *X265, "-x265-params", QUIET + ":keyint=30"), True),
    "late_hdr.mkv": (
        (*CARD, "-vf", HDR, *X265, "-x265-params", QUIET + ":keyint=30", "-output_ts_offset", "5"), True
    ),
    "variable_ten.mkv": ((*CARD, "-vf", VARIABLE, "-fps_mode", "vfr", *X264, "-g", "30", *TEN), True),
    "interlaced.mp4": (
        ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=50:d=12", "-vf", INTERLACED, *X264, "-g", "30",
         "-flags", "+ilme+ildct", "-x264-params", "tff=1"), True,
    ),
    "interlaced.ts": (
        ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=50:d=12", "-vf", INTERLACED, "-c:v", "mpeg2video", "-g", "15",
         "-bf", "2", "-flags", "+ilme+ildct", "-q:v", "2"), True,
    ),
    "prores.mov": ((*CARD, *NOISE, "-c:v", "prores_ks"), True),
    "raw.h264": ((*CARD, *NOISE, *X264, "-g", "30"), False),
    "moving.gif": (("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=4"), False),
}  # fmt: skip


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Makes the film of that name once."""
    folder = tmp_path_factory.mktemp("films")

    def made(name: str) -> Path:
        path = folder / name
        if name == "cut.mp4":  # its first key frame lies before what an edit list lets be shown
            if not path.exists():
                make("-ss", "1.3", "-i", made("b_frames.mp4"), "-c", "copy", path)
        elif name == "pictures" and not path.exists():
            path.mkdir()
            make(*CARD, "-frames:v", "120", path / "%d.png")
        elif not path.exists():
            make(*FILMS[name][0], path)
        return path

    return made


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Frames that left the decoder, one entry for each reader that was asked."""
    counts: list[int] = []

    def counting(kind: type[FrameReader]) -> None:
        frames = kind._frames

        def counted(self: FrameReader) -> Iterator[object]:
            counts.append(0)
            place = len(counts) - 1
            for frame in frames(self):
                counts[place] += 1
                yield frame

        monkeypatch.setattr(kind, "_frames", counted)

    for kind in (OpenCVReader, FFmpegReader, ImageReader):
        counting(kind)
    return counts


def read(path: Path, part: tuple[int, int, np.ndarray | None] | None = None, **options: object):  # type: ignore[no-untyped-def]
    """Frames, their times and the number of the first."""
    with open_reader(path, ReadOptions(**options)) as reader:
        if part is not None:
            reader.read_part(part[0], part[1], part[2])
        batches = list(reader)
        return np.concatenate([b.frames for b in batches]), np.concatenate([b.pts for b in batches]), batches[0].index


def unseeked(monkeypatch: pytest.MonkeyPatch, path: Path, **options: object):  # type: ignore[no-untyped-def]
    with monkeypatch.context() as patch:
        for kind in (OpenCVReader, FFmpegReader, ImageReader):
            patch.setattr(kind, "_seek", lambda self, time: False)
        return read(path, **options)


@pytest.mark.parametrize("name", [*FILMS, "cut.mp4", "pictures"])
def test_parts_are_those_of_the_whole(film: Film, name: str, decoded: list[int]) -> None:
    frames, times, _ = read(film(name))
    total = len(frames)
    assert len({frame.tobytes() for frame in frames}) > 0.5 * total
    for first in (1, 20, total // 3, total // 2 + 1, total - 31, total - 2):
        decoded.clear()
        found, found_times, index = read(film(name), (first, 2, times))
        assert index == first
        np.testing.assert_array_equal(found, frames[first : first + 2])
        np.testing.assert_array_equal(found_times, times[first : first + 2])
        if first == total // 2 + 1:
            seeks = FILMS[name][1] if name in FILMS else True
            assert (decoded[-1] < first - 10) == seeks, decoded


@pytest.mark.parametrize("rate", [Fraction(10), Fraction(30000, 1001), Fraction(60)])
@pytest.mark.parametrize("name", ["b_frames.mp4", "variable.mkv", "ten.mp4", "interlaced.mp4", "late.mkv"])
def test_parts_at_a_constant_rate_are_those_of_the_whole(
    film: Film, name: str, rate: Fraction, decoded: list[int]
) -> None:
    for cut in ({}, {"start": TimePoint(seconds=2.02), "end": TimePoint(seconds=10.3)}, {"end": TimePoint(frame=200)}):
        frames, times, _ = read(film(name), frame_rate=rate, **cut)
        for first in (1, len(frames) // 2, len(frames) - 2):
            decoded.clear()
            found, found_times, _ = read(film(name), (first, 2, times), frame_rate=rate, **cut)
            np.testing.assert_array_equal(found, frames[first : first + 2])
            np.testing.assert_array_equal(found_times, times[first : first + 2])
            numbered = "end" in cut and cut["end"].frame is not None and name == "interlaced.mp4"
            assert (decoded[-1] < 90) == (not numbered) or first != len(frames) // 2


@pytest.mark.parametrize("end", [None, TimePoint(seconds=9.0), TimePoint(frame=230), TimePoint(frame=9999)])
@pytest.mark.parametrize("start", [TimePoint(seconds=7.0), TimePoint(seconds=7.013), TimePoint(frame=140)])
@pytest.mark.parametrize(
    "name", ["b_frames.mp4", "variable.mkv", "late.mkv", "cut.mp4", "ten.mp4", "hdr.mp4", "interlaced.mp4", "raw.h264"]
)
def test_a_start_is_sought(
    film: Film, name: str, start: TimePoint, end: TimePoint | None, decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film(name)
    expected, times, _ = unseeked(monkeypatch, path, start=start, end=end)
    decoded.clear()
    found, found_times, index = read(path, start=start, end=end)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found_times, times)
    assert index == 0
    numbered = any(point is not None and point.frame is not None for point in (start, end))
    if name == "raw.h264" or (name == "interlaced.mp4" and numbered):  # its packets may hold fields
        return
    assert decoded[-1] < len(expected) + 80
    part, part_times, _ = read(path, (20, 3, times), start=start, end=end)
    np.testing.assert_array_equal(part, expected[20:23])
    np.testing.assert_array_equal(part_times, times[20:23])


@pytest.mark.parametrize("name", ["b_frames.mp4", "ten.mp4"])
def test_a_start_behind_the_end_is_refused_at_once(film: Film, name: str, decoded: list[int]) -> None:
    for start in (TimePoint(seconds=50.0), TimePoint(frame=5000)):
        with pytest.raises(UsageError, match="no frame"):
            read(film(name), start=start)
    assert sum(decoded) < 100


@pytest.mark.parametrize("name", ["b_frames.mp4", "ten.mp4", "hdr.mp4"])
def test_a_wrong_expectation_costs_time_and_nothing_else(film: Film, name: str) -> None:
    frames, times, _ = read(film(name))
    for wrong in (times + 0.013, times * 0 + 99.0, times * 0 - 1.0):
        found, found_times, _ = read(film(name), (200, 2, wrong))
        np.testing.assert_array_equal(found, frames[200:202])
        np.testing.assert_array_equal(found_times, times[200:202])


@pytest.mark.parametrize("name", ["b_frames.mp4", "ten.mp4", "late.mkv", "interlaced.mp4"])
def test_a_reader_that_began_late_still_notices_the_end(film: Film, name: str, tmp_path: Path) -> None:
    whole, cut = tmp_path / f"whole{Path(name).suffix}", tmp_path / f"cut{Path(name).suffix}"
    make("-i", film(name), "-c", "copy", *(("-movflags", "+faststart") if name.endswith("mp4") else ()), whole)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 8 // 10])
    for path, said in ((whole, False), (cut, True)):
        with open_reader(path, ReadOptions(start=TimePoint(seconds=6.0))) as reader:
            assert sum(len(batch) for batch in reader) > 20
            assert any("ends early" in warning for warning in reader.warnings) == said
