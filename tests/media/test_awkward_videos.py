"""Videos of awkward kinds, after public reports on other programs: pictures, shapes and colours are the right ones."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media.copying import AAC, PICTURE, SOUND, X264, copied, decoded, frames_of, length_of, make, video_times
from videostyle.errors import InputError, UsageError
from videostyle.media.readers.open import look_at, open_reader
from videostyle.media.readers.opencv import OpenCVReader
from videostyle.media.timecode import parse_time

INTERLACED = ("-vf", "tinterlace=interleave_top,fieldorder=tff", "-flags", "+ilme+ildct")
FIELDS = ("-f", "lavfi", "-i", "testsrc2=s=160x120:r=50:d=1")
LARGER = ("-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=1")


def joined(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_a_stream_that_becomes_interlaced_goes_on_moving(codec: str, tmp_path: Path) -> None:
    how = ("-c:v", codec, "-pix_fmt", "yuv420p", "-threads", "1", "-muxdelay", "0", "-q:v", "2", "-s", "160x120")
    tff = ("-x264-params", "tff=1") if codec == "libx264" else ()
    plain = make(tmp_path / "p.ts", *LARGER, *how)
    fields = make(tmp_path / "i.ts", *FIELDS, *INTERLACED, *how, *tff, "-r", "25", "-output_ts_offset", "1.2")
    mixed = joined(tmp_path / "mixed.ts", plain, fields)
    frames, times, warnings = frames_of(mixed)
    assert len(frames) == len(decoded(mixed, (160, 120))) >= 49
    moved = np.abs(np.diff(frames.astype(int), axis=0)).mean(axis=(1, 2, 3))
    assert (moved > 0.2).all()
    assert (np.diff(times) > 0).all()
    assert any("deinterlaced" in warning for warning in warnings)
    # What is progressive stays as it is.
    assert np.abs(frames[:24].astype(int) - decoded(plain, (160, 120))[:24]).mean() < 1.5


def test_a_progressive_stream_that_may_hold_fields_is_left_alone(tmp_path: Path) -> None:
    film = make(tmp_path / "f.mp4", *PICTURE, *X264, "-flags", "+ilme+ildct", "-x264-params", "fake-interlaced=1")
    info = look_at(film).info
    frames, _, warnings = frames_of(film)
    if not info.interlaced:
        assert not warnings
    assert len(frames) == 25


def test_a_stream_that_changes_its_size_is_scaled_to_the_first(tmp_path: Path) -> None:
    one = make(tmp_path / "1.ts", *PICTURE, *X264, "-muxdelay", "0")
    two = make(tmp_path / "2.ts", *PICTURE, "-s", "96x64", *X264, "-muxdelay", "0", "-output_ts_offset", "1")
    frames, _, warnings = frames_of(joined(tmp_path / "both.ts", one, two))
    assert frames.shape == (50, 48, 64, 3)
    assert any("scaled to the first size" in warning for warning in warnings)
    assert np.abs(frames[30].astype(int) - frames[5]).mean() < 12  # the same picture, not a torn one


def matrix_of(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        side = next(bytes(s) for s in frame.side_data if s.type.name == "DISPLAYMATRIX")
    return np.frombuffer(side, np.int32).reshape(3, 3)[:2, :2] / 65536


def applied(picture: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A picture as a display matrix maps it, pixel by pixel."""
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    x, y = columns * matrix[0, 0] + rows * matrix[1, 0], columns * matrix[0, 1] + rows * matrix[1, 1]
    x, y = (x - x.min()).astype(int), (y - y.min()).astype(int)
    out = np.zeros((y.max() + 1, x.max() + 1, 3), picture.dtype)
    out[y, x] = picture
    return out


FLIPS = [("-display_hflip",), ("-display_vflip",), ("-display_hflip", "-display_vflip")]
TURNS = [(), ("-display_rotation", "90"), ("-display_rotation", "270")]


@pytest.mark.parametrize("how", [(*turn, *flip) for turn, flip in itertools.product(TURNS, FLIPS)], ids=" ".join)
def test_mirrored_and_turned_pictures_are_shown_as_the_matrix_says(how: tuple[str, ...], tmp_path: Path) -> None:
    plain = make(tmp_path / "plain.mp4", *PICTURE, "-frames:v", "2", *X264)
    film = make(tmp_path / "m.mp4", *how, "-i", plain, "-c", "copy")
    frames, _, _ = frames_of(film)
    expected = applied(frames_of(plain)[0][0], matrix_of(film))
    assert frames.shape[1:] == expected.shape
    assert np.abs(frames[0].astype(int) - expected).mean() < 1.5
    info = look_at(film).info
    assert (info.height, info.width) == expected.shape[:2]


@pytest.mark.parametrize("name", ["w.mkv", "w.mp4", "w.mov", "w.webm"])
@pytest.mark.parametrize("turned", [False, True])
def test_the_shape_of_pixels_that_the_container_states_holds(name: str, turned: bool, tmp_path: Path) -> None:
    codec = X264 if not name.endswith("webm") else ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")
    square = make(tmp_path / f"plain{name}", *PICTURE, "-frames:v", "3", *codec)
    turn = ("-display_rotation", "90") if turned and name.endswith(("mp4", "mov")) else ()
    film = make(tmp_path / name, *turn, "-i", square, "-c", "copy", "-aspect", "16:9")
    output = tmp_path / "out.mp4"
    copied(film, output)
    with av.open(str(output)) as container:
        stream = container.streams.video[0]
        shape = stream.sample_aspect_ratio * stream.codec_context.width / stream.codec_context.height
    assert float(shape) == pytest.approx(9 / 16 if turn else 16 / 9, rel=0.01)


@pytest.mark.parametrize(
    ("size", "stated", "matrix"), [("640x480", "", 6), ("1280x720", "", 1), ("1280x720", "smpte170m", 6)]
)
def test_unstated_colours_are_those_that_players_take(size: str, stated: str, matrix: int, tmp_path: Path) -> None:
    tags = ("-colorspace", stated) if stated else ()
    film = make(
        tmp_path / "hd.mp4", *PICTURE[:3], f"testsrc2=s={size}:r=25", "-frames:v", "1", *X264, "-crf", "1", *tags
    )
    copied(film, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].codec_context.colorspace == matrix
    width, height = map(int, size.split("x"))
    name = "bt709" if matrix == 1 else "smpte170m"
    seen = decoded(film, (width, height), f"scale=in_color_matrix={name}").astype(int)
    assert np.abs(decoded(tmp_path / "out.mp4", (width, height)).astype(int) - seen).mean() <= 1.0


# One frame a second for three, of which the last is held.
HELD = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=1:d=3")


@pytest.mark.parametrize("name", ["s.mp4", "s.gif"])
def test_the_last_picture_is_shown_for_as_long_as_it_was(name: str, tmp_path: Path) -> None:
    codec = ("-final_delay", "500") if name == "s.gif" else X264
    stretch = () if name == "s.gif" else ("-bsf:v", "setts=duration=if(eq(N\\,2)\\,5/TB\\,DURATION)")
    film = make(tmp_path / name, *HELD, *codec, *stretch)
    copied(film, tmp_path / "out.mp4")
    assert length_of(tmp_path / "out.mp4") == pytest.approx(7.0, abs=0.05)
    frames, times, _ = frames_of(film, frame_rate=Fraction(2))
    assert len(frames) == 14
    assert times[-1] == pytest.approx(6.5)


def screen(tmp_path: Path) -> Path:
    """Pictures at 0 to 1 s, ten a second, and from 5 to 6 s."""
    cut = "select='lte(t,1)+gte(t,5)'"
    source = "testsrc2=s=64x48:r=10:d=6.1"
    return make(tmp_path / "screen.mp4", "-f", "lavfi", "-i", source, "-vf", cut, "-fps_mode", "vfr", *X264)


@pytest.mark.parametrize(
    ("start", "end", "times"),
    [
        ("2", "4", [2.0]),
        ("2", "5.25", [2.0, 5.0, 5.1, 5.2]),
        ("0.5", "0.75", [0.5, 0.6, 0.7]),
        ("0.55", "0.75", [0.55, 0.6, 0.7]),
        ("0.58", "0.75", [0.6, 0.7]),  # less than half of its time is left
        ("4.5", None, [4.5, *(5 + n / 10 for n in range(11))]),
        ("6.05", None, [6.05]),
    ],
)
def test_a_cut_begins_with_the_picture_that_is_showing(
    start: str, end: str | None, times: list[float], tmp_path: Path
) -> None:
    cut = {"start": parse_time(start), "end": parse_time(end) if end else None}
    film = screen(tmp_path)
    frames, found, _ = frames_of(film, **cut)
    assert found == pytest.approx(times, abs=1e-3)
    everything, all_times, _ = frames_of(film)
    shown = [int(np.searchsorted(all_times, time + 1e-4)) - 1 for time in times]
    np.testing.assert_array_equal(frames, everything[shown])


def test_nothing_lies_behind_the_end(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no frame"):
        frames_of(screen(tmp_path), start=parse_time("6.2"))


def test_a_held_picture_fills_a_constant_rate(tmp_path: Path) -> None:
    rate = Fraction(5)
    _, times, _ = frames_of(screen(tmp_path), start=parse_time("2"), end=parse_time("4"), frame_rate=rate)
    assert times == pytest.approx([2 + n / 5 for n in range(10)])


def test_frames_that_are_never_shown_are_not_missed(tmp_path: Path) -> None:
    """The first packets of an open group of pictures refer to one that was cut off."""
    how = ("-c:v", "libx265", "-x265-params", "keyint=12:min-keyint=12:open-gop=1:bframes=3:log-level=none")
    film = make(tmp_path / "g.mkv", *PICTURE, *how, "-pix_fmt", "yuv420p10le")
    cut = make(tmp_path / "cut.mkv", "-ss", "0.5", "-i", film, "-c", "copy", "-copyinkf", "-avoid_negative_ts", "0")
    frames, _, warnings = frames_of(cut, strict=True)
    assert not warnings
    assert len(frames) == len(decoded(cut, (64, 48)))


def with_boxes_renamed(path: Path, old: bytes, new: bytes, target: Path) -> Path:
    data = path.read_bytes()
    assert old in data
    target.write_bytes(data.replace(old, new))
    return target


def test_an_encrypted_file_is_called_that(tmp_path: Path) -> None:
    key = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb")
    film = make(tmp_path / "locked.mp4", *PICTURE, *X264, *key, "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8")
    with pytest.raises(InputError, match="encrypted"):
        look_at(film)


def test_only_a_missing_index_is_called_that_and_an_unknown_codec_by_its_name(tmp_path: Path) -> None:
    film = make(tmp_path / "plain.mp4", *PICTURE, *X264)
    unknown = with_boxes_renamed(film, b"avc1\0", b"zzz1\0", tmp_path / "unknown.mp4")
    with pytest.raises(InputError, match="zzz1") as error:
        look_at(unknown)
    assert "moov" not in str(error.value)
    data = film.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: data.index(b"moov") - 4])
    with pytest.raises(InputError, match="moov missing"):
        look_at(tmp_path / "cut.mp4")


def test_ordinary_files_are_still_read_by_opencv(tmp_path: Path) -> None:
    film = make(tmp_path / "plain.mp4", *PICTURE, *SOUND, *X264, *AAC)
    assert isinstance(open_reader(film), OpenCVReader)
    copied(film, tmp_path / "out.mp4")
    assert video_times(tmp_path / "out.mp4") == pytest.approx([n / 25 for n in range(25)], abs=1e-4)
