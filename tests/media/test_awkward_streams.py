"""Sound, clocks and what else lies beside the pictures: kept, moved along, or said to be lost."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.conftest import ffmpeg
from tests.media.copying import (
    AAC,
    PICTURE,
    SOUND,
    X264,
    copied,
    frames_of,
    length_of,
    make,
    streams_of,
    video_times,
)
from videostyle.errors import UsageError
from videostyle.media import gif, webp
from videostyle.media.clock import DecodingOrder, SegmentFinder, steady
from videostyle.media.ffmpeg.process import ffmpeg_exe
from videostyle.media.programmes import programmes
from videostyle.media.readers.open import look_at, open_reader
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.mux import Original
from videostyle.media.writers.open import open_writer
from videostyle.media.writers.original_tags import later_timecode

BEEP = ("-f", "lavfi", "-i", "aevalsrc='sin(2513*t)*between(t,0.48,0.52)':d=1:s=48000")
FLASH = ("-f", "lavfi", "-i", "color=black:s=64x48:r=25:d=1,geq=lum='if(between(N,12,12),235,16)':cb=128:cr=128")


def flashes(path: Path) -> list[float]:
    """When the picture is bright, seconds from the beginning of the file."""
    with av.open(str(path)) as container:
        origin = container.start_time / av.time_base
        return [f.time - origin for f in container.decode(video=0) if f.to_ndarray(format="gray").mean() > 120]


def beeps(path: Path) -> list[float]:
    """When a beep begins, seconds from the beginning of the file."""
    found: list[float] = []
    with av.open(str(path)) as container:
        origin = container.start_time / av.time_base
        for frame in container.decode(audio=0):
            values = np.abs(frame.to_ndarray()[0])
            for place in np.flatnonzero(values > 0.3 * (32768 if values.dtype == np.int16 else 1)):
                time = frame.time + place / frame.sample_rate - origin
                if not found or time > found[-1] + 0.3:
                    found.append(float(time))
    return found


def in_step(path: Path, count: int) -> None:
    """Flashes and beeps come together."""
    assert len(flashes(path)) == count
    np.testing.assert_allclose(beeps(path), flashes(path), atol=0.045)


def test_one_odd_time_costs_no_sound(tmp_path: Path) -> None:
    odd = "setts=pts='if(eq(N,20),PREV_OUTPTS,PTS)':dts='if(eq(N,20),PREV_OUTDTS,DTS)'"
    film = make(tmp_path / "dup.mkv", *FLASH, *BEEP, *X264, *AAC, "-bsf:a", odd)
    report = copied(film, tmp_path / "out.mp4")
    assert not report.warnings
    assert length_of(tmp_path / "out.mp4", "audio") == pytest.approx(length_of(film, "audio"), abs=0.05)
    in_step(tmp_path / "out.mp4", 1)


def test_of_two_tracks_only_what_is_wrong_is_left_out(tmp_path: Path) -> None:
    early = "setts=pts='if(between(N,20,24),1,PTS)':dts='if(between(N,20,24),1,DTS)'"
    inputs = (*PICTURE, *SOUND[:3], "sine=440:d=3", *SOUND[:3], "sine=880:d=3")
    film = make(
        tmp_path / "f.nut", *inputs, "-map", "0", "-map", "1", "-map", "2", *X264, *AAC, "-bsf:a:0", early,
    )  # fmt: skip
    report = copied(film, tmp_path / "out.mp4")
    assert streams_of(tmp_path / "out.mp4") == [("video", "h264"), ("audio", "aac"), ("audio", "aac")]
    assert length_of(tmp_path / "out.mp4", "audio") == pytest.approx(3.0, abs=0.1)
    assert all("stream 2" not in warning for warning in report.warnings)


@pytest.mark.parametrize("output", ["out.mp4", "out.mkv"])
def test_sound_moves_with_the_picture_where_the_clock_jumps_back(output: str, tmp_path: Path) -> None:
    part = make(tmp_path / "a.ts", *FLASH, *BEEP, *X264, *AAC)
    film = tmp_path / "joined.ts"
    film.write_bytes(3 * part.read_bytes())
    copied(film, tmp_path / output)
    times = video_times(tmp_path / output)
    assert np.diff(times) == pytest.approx([0.04] * 74, abs=2e-3)
    in_step(tmp_path / output, 3)


@pytest.mark.parametrize("offset", ["3600", "95442"])
def test_a_jump_of_the_clock_is_no_gap(offset: str, tmp_path: Path) -> None:
    one = make(tmp_path / "1.ts", *FLASH, *BEEP, *X264, *AAC)
    two = make(tmp_path / "2.ts", *FLASH, *BEEP, *X264, *AAC, "-output_ts_offset", offset)
    film = tmp_path / "gap.ts"
    film.write_bytes(one.read_bytes() + two.read_bytes())
    copied(film, tmp_path / "out.mp4")
    assert length_of(tmp_path / "out.mp4") == pytest.approx(2.0, abs=0.05)
    in_step(tmp_path / "out.mp4", 2)


def test_a_jump_is_put_right_in_every_reader_and_part(tmp_path: Path) -> None:
    how = ("-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10")
    one = make(tmp_path / "1.ts", *PICTURE, *how)
    film = tmp_path / "deep.ts"
    film.write_bytes(2 * one.read_bytes())
    _, times, _ = frames_of(film)
    assert len(times) == 50
    assert np.diff(times) == pytest.approx([0.04] * 49, abs=1e-3)


@pytest.mark.parametrize("lead", ["0.5", "0"])
def test_a_clock_that_wraps_soon_keeps_picture_and_sound_together(lead: str, tmp_path: Path) -> None:
    inputs = ("-itsoffset", lead, *FLASH, "-itsoffset", lead, *BEEP)
    film = make(tmp_path / "wrap.ts", *inputs, *X264, *AAC, "-output_ts_offset", "95443.2")
    copied(film, tmp_path / "out.mp4")
    assert length_of(tmp_path / "out.mp4") == pytest.approx(1.0, abs=0.05)
    in_step(tmp_path / "out.mp4", 1)


def test_sound_that_leads_before_a_wrap_leads_as_before(tmp_path: Path) -> None:
    late = (*SOUND[:3], "sine=440:d=2:r=48000", "-itsoffset", "0.5")
    plain = make(tmp_path / "plain.ts", *late, *FLASH, "-map", "1", "-map", "0", *X264, *AAC)
    film = make(
        tmp_path / "wrap.ts", *late, *FLASH, "-map", "1", "-map", "0", *X264, *AAC, "-output_ts_offset", "95442"
    )
    copied(plain, tmp_path / "plain.mp4")
    copied(film, tmp_path / "out.mp4")
    assert flashes(tmp_path / "out.mp4") == pytest.approx(flashes(tmp_path / "plain.mp4"), abs=0.02)


def test_only_the_programme_of_the_picture_is_copied(tmp_path: Path) -> None:
    one = make(tmp_path / "1.mkv", *FLASH, *BEEP, *X264, *AAC)
    two = make(tmp_path / "2.mkv", *PICTURE, *SOUND, *X264, *AAC)
    inputs = ("-itsoffset", "3000", "-i", one, "-i", two, "-map", "0:v", "-map", "0:a", "-map", "1:v", "-map", "1:a")
    groups = ("-program", "st=0:st=1", "-program", "st=2:st=3")
    film = make(tmp_path / "two.ts", *inputs, "-c", "copy", *groups)
    assert [len(group) for group in programmes(film)] == [2, 2]
    report = copied(film, tmp_path / "out.mp4")
    assert streams_of(tmp_path / "out.mp4") == [("video", "h264"), ("audio", "aac")]
    assert any("another programme" in warning for warning in report.warnings)
    assert video_times(tmp_path / "out.mp4")[0] < 0.1
    in_step(tmp_path / "out.mp4", 1)


def test_segments_of_a_clock_are_found_and_put_right() -> None:
    raw = [10.0, 10.04, 10.08, 5000.0, 5000.04, 9.0, 9.04, 9.08]
    finder = SegmentFinder(0.04)
    for time in raw:
        finder.add(time, time, 0.04)
    assert len(finder.segments) == 3
    assert steady(raw, finder.segments) == pytest.approx([10 + n * 0.04 for n in range(8)])
    assert steady(raw, finder.segments[:1]) == raw


def test_decoding_times_rise() -> None:
    order = DecodingOrder(Fraction(1, 1000))
    assert [order.next(t, t) for t in (0, 20, 20, 40)] == [(0, 0), (20, 20), (21, 21), (40, 40)]
    assert order.next(45, 39) == (45, 41)
    assert DecodingOrder(Fraction(1, 1000)).next(None, None) is None
    far = DecodingOrder(Fraction(1, 1000))
    far.next(5000, 5000)
    assert far.next(0, 0) is None


@pytest.mark.parametrize("source", ["pcm.avi", "pcm.mkv", "pcm.mxf"])
@pytest.mark.parametrize("output", ["out.mp4", "out.mov", "out.mkv"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_uncompressed_sound_of_any_channels_is_copied(source: str, output: str, channels: int, tmp_path: Path) -> None:
    codec = ("-c:v", "mpeg2video") if source.endswith("mxf") else X264
    film = make(
        tmp_path / source, *PICTURE[:3], "testsrc2=s=64x48:r=25:d=0.2", *SOUND[:3], "sine=440:d=0.2:r=48000",
        *codec, "-c:a", "pcm_s16le", "-ac", str(channels),
    )  # fmt: skip
    report = copied(film, tmp_path / output)
    assert ("audio", "pcm_s16le") in streams_of(tmp_path / output)
    assert not [warning for warning in report.warnings if "audio" in warning]


@pytest.mark.parametrize(
    ("codec", "source"),
    [
        ("wmav2", "f.wmv"),
        ("pcm_alaw", "f.avi"),
        ("adpcm_ms", "f.avi"),
        ("adpcm_ima_wav", "f.avi"),
        ("pcm_mulaw", "f.mov"),
        ("libopencore_amrnb", "f.3gp"),
    ],
)
def test_matroska_takes_sound_that_is_not_usual_in_it(codec: str, source: str, tmp_path: Path) -> None:
    video = ("-c:v", "wmv2") if source.endswith("wmv") else X264
    picture = (*PICTURE[:3], "testsrc2=s=64x48:r=25:d=0.4")
    film = make(tmp_path / source, *picture, *SOUND, *video, "-c:a", codec, "-ar", "8000", "-ac", "1")
    report = copied(film, tmp_path / "out.mkv")
    assert not report.warnings
    with av.open(str(film)) as one, av.open(str(tmp_path / "out.mkv")) as two:
        names = [container.streams.audio[0].codec_context.name for container in (one, two)]
        packets = [[bytes(p) for p in container.demux(audio=0) if p.size] for container in (one, two)]
    assert names[0] == names[1]
    assert b"".join(packets[0]) == b"".join(packets[1])
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


def test_what_the_program_copies_keeps_its_time_name_and_place_beside_others(tmp_path: Path) -> None:
    names = ("-metadata:s:a:1", "language=deu", "-metadata:s:a:1", "title=Zwei", "-disposition:a:1", "forced")
    sounds = (*SOUND, "-itsoffset", "0.5", *SOUND, "-map", "0", "-map", "1", "-map", "2")
    film = make(tmp_path / "two.mkv", *PICTURE, *sounds, *X264, *AAC, "-c:a:1", "wmav2", *names)
    assert not copied(film, tmp_path / "out.mkv").warnings
    assert len(video_times(tmp_path / "out.mkv")) == 25
    with av.open(str(film)) as one, av.open(str(tmp_path / "out.mkv")) as two:
        late = [container.streams.audio[1] for container in (one, two)]
        assert [stream.metadata.get(key) for stream in late for key in ("language", "title")] == ["deu", "Zwei"] * 2
        assert late[0].disposition == late[1].disposition
        begun = [next(float(p.pts * p.time_base) for p in file.demux(audio=1) if p.size) for file in (one, two)]
    assert begun[1] == pytest.approx(begun[0], abs=0.002)


def test_sound_that_cannot_be_copied_is_encoded_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from videostyle.media.writers import ffmpeg_copy

    monkeypatch.setattr(ffmpeg_copy, "INTO", ())
    picture = (*PICTURE[:3], "testsrc2=s=64x48:r=25:d=0.4")
    film = make(tmp_path / "f.avi", *picture, *SOUND, *X264, "-c:a", "adpcm_ms", "-ar", "8000")
    report = copied(film, tmp_path / "out.mkv")
    assert ("audio", "flac") in streams_of(tmp_path / "out.mkv")
    assert "encoded as FLAC (lossless)" in report.warnings[0]
    # Sample for sample what the decoder gives, to the last frame, which some hold back and give without a time.
    one, two = (samples_of(path) for path in (film, tmp_path / "out.mkv"))
    np.testing.assert_allclose(two, one, atol=2)


def samples_of(path: Path) -> np.ndarray:
    """The first channel of the sound of a file as the ffmpeg program decodes it, 16 bits."""
    command = [ffmpeg_exe(), "-v", "error", "-i", str(path), "-map", "0:a", "-ac", "1", "-f", "s16le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.int16).astype(int)


@pytest.mark.parametrize("channels", [4, 5, 6, 8])
def test_sound_of_many_channels_keeps_them_or_says_that_it_does_not(channels: int, tmp_path: Path) -> None:
    made = (*PICTURE[:3], "testsrc2=s=64x48:r=25:d=0.2", *SOUND[:3], "sine=440:d=0.2:r=48000", *X264)
    film = make(tmp_path / "f.mkv", *made, "-c:a", "wavpack", "-ac", str(channels))
    (warning,) = copied(film, tmp_path / "out.mp4").warnings
    with av.open(str(tmp_path / "out.mp4")) as container:
        found = container.streams.audio[0].codec_context.layout.nb_channels
    assert found == (2 if channels == 5 else channels)
    assert ("AAC, stereo" in warning) is (channels == 5)


def test_what_a_container_cannot_hold_is_said(tmp_path: Path) -> None:
    film = make(tmp_path / "f.mkv", *PICTURE, *SOUND, *X264, "-c:a", "pcm_s16le")
    report = copied(film, tmp_path / "out.ts")
    assert ("video", "h264") in streams_of(tmp_path / "out.ts")
    assert any("audio stream 1" in warning for warning in report.warnings)


def full(tmp_path: Path) -> Path:
    (tmp_path / "f.ttf").write_bytes(bytes(range(200)))
    (tmp_path / "s.srt").write_text("1\n00:00:00,100 --> 00:00:00,900\nHello\n")
    return make(
        tmp_path / "full.mkv", *PICTURE, *SOUND, "-i", tmp_path / "s.srt", *X264, *AAC, "-c:s", "ass",
        "-attach", tmp_path / "f.ttf", "-metadata:s:t", "mimetype=application/x-truetype-font",
        "-metadata:s:v", "language=jpn", "-metadata:s:v", "title=Angle", "-metadata:s:v", "stereo_mode=left_right",
        "-metadata:s:v", "timecode=01:00:00:00",
    )  # fmt: skip


def test_fonts_language_title_timecode_and_stereo_are_kept_or_said_to_be_lost(tmp_path: Path) -> None:
    film = full(tmp_path)
    report = copied(film, tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        video = container.streams.video[0]
        assert (video.metadata["language"], video.metadata["title"]) == ("jpn", "Angle")
        assert video.metadata["stereo_mode"] == "left_right"
        assert {k.lower(): v for k, v in video.metadata.items()}["timecode"] == "01:00:00:00"
        (font,) = [s for s in container.streams if s.type == "attachment"]
        assert bytes(font.data) == bytes(range(200))
    assert not report.warnings
    report = copied(film, tmp_path / "out.mp4")
    for word in ("attached files", "stereo flag", "subtitle"):
        assert any(word in warning for warning in report.warnings), word
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].metadata["language"] == "jpn"


def test_a_timecode_is_kept_and_moves_with_the_cut(tmp_path: Path) -> None:
    film = make(tmp_path / "tc.mov", *PICTURE, *X264, "-timecode", "01:00:00:00")
    for output in ("out.mov", "out.mp4"):
        report = copied(film, tmp_path / output)
        assert look_at(tmp_path / output).media.video_metadata["timecode"] == "01:00:00:00"
        assert not report.warnings
    assert any("timecode" in warning for warning in copied(film, tmp_path / "out.avi").warnings)


@pytest.mark.parametrize(
    ("code", "seconds", "rate", "later"),
    [
        ("01:00:00:00", 2.0, Fraction(25), "01:00:02:00"),
        ("23:59:59:24", 0.04, Fraction(25), "00:00:00:00"),
        ("00:00:59;29", 1001 / 30000, Fraction(30000, 1001), "00:01:00;02"),
        ("00:09:59;29", 1001 / 30000, Fraction(30000, 1001), "00:10:00;00"),
        ("00:00:00;00", 600.0, Fraction(30000, 1001), "00:10:00;00"),
        ("odd", 2.0, Fraction(25), "odd"),
    ],
)
def test_timecodes_count_frames(code: str, seconds: float, rate: Fraction, later: str) -> None:
    assert later_timecode(code, seconds, rate) == later


def test_captions_inside_the_pictures_are_said_to_be_lost(tmp_path: Path) -> None:
    film = make(tmp_path / "plain.h264", *PICTURE, *X264)
    # User data with captions (ATSC A/53) in a SEI message before each picture.
    payload = b"\xb5\x00\x31GA94\x03\xc1\xff\xfc\x94\x20\xff"
    sei = b"\0\0\0\1\x06\x04" + bytes([len(payload)]) + payload + b"\x80"
    data = film.read_bytes()
    for start in (b"\0\0\0\1\x65", b"\0\0\1\x65"):
        data = data.replace(start, sei + start)
    (tmp_path / "captions.h264").write_bytes(data)
    ffmpeg("-i", tmp_path / "captions.h264", "-c", "copy", tmp_path / "captions.mp4")
    report = copied(tmp_path / "captions.mp4", tmp_path / "out.mp4")
    assert any("captions" in warning for warning in report.warnings)


FAST = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=240:d=0.5")
STAGGERED = ("-vf", "select='not(mod(n,3)*gt(n,5))'", "-fps_mode", "vfr")


def test_a_fast_gif_lasts_as_long_as_its_source(tmp_path: Path) -> None:
    film = make(tmp_path / "fast.mp4", *FAST, *X264)
    report = copied(film, tmp_path / "out.gif", EncodeOptions())
    shown = gif.durations(tmp_path / "out.gif")
    assert sum(shown) == pytest.approx(0.5, abs=0.011)
    assert min(shown) >= 0.02
    assert any("at most 50 frames a second" in warning for warning in report.warnings)


@pytest.mark.parametrize("name", ["out.gif", "out.webp"])
def test_gif_and_webp_keep_variable_times(name: str, tmp_path: Path) -> None:
    film = make(tmp_path / "v.mp4", *PICTURE[:3], "testsrc2=s=64x48:r=10:d=2", *STAGGERED, *X264)
    _, times, _ = frames_of(film)
    copied(film, tmp_path / name, EncodeOptions())
    _, found, _ = frames_of(tmp_path / name)
    assert found - found[0] == pytest.approx(times - times[0], abs=0.011)
    total = sum((gif if name.endswith("gif") else webp).durations(tmp_path / name))
    assert total == pytest.approx(look_at(film).media.end - times[0], abs=0.011)


def test_sound_that_a_gif_lacks_is_said(tmp_path: Path) -> None:
    film = make(tmp_path / "f.mp4", *PICTURE, *SOUND, *X264, *AAC)
    assert any("audio" in w for w in copied(film, tmp_path / "out.gif", EncodeOptions()).warnings)
    assert any("sound" in w for w in copied(film, tmp_path / "out_%02d.png", EncodeOptions()).warnings)


def test_a_gif_that_is_cut_off_is_told(tmp_path: Path) -> None:
    film = make(tmp_path / "a.gif", *PICTURE)
    whole = film.read_bytes()
    (tmp_path / "cut.gif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cut off"):
        gif.durations(tmp_path / "cut.gif")
    with pytest.raises(UsageError):
        copied(film, tmp_path / "out.gif", EncodeOptions(codec="nothing"))


TAGS = """;FFMETADATA1
title=A title
artist=Somebody
comment=A comment
[CHAPTER]
TIMEBASE=1/1000
START=0
END=500
title=One
"""


def rich(tmp_path: Path) -> Path:
    (tmp_path / "m.txt").write_text(TAGS)
    return make(
        tmp_path / "rich.mkv", *PICTURE, *SOUND, "-i", tmp_path / "m.txt", "-map_metadata", "2", "-map_chapters", "2",
        "-vf", "setsar=4/3", *X264, *AAC, "-metadata:s:a", "language=ger",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("out.mp4", ()),
        ("out.mkv", ()),
        ("out.ts", ("the chapters", "the tags (artist, comment, title)")),
        ("out.avi", ("the chapters", "the languages")),
        ("out.flv", ("the chapters", "the languages")),
        ("out.gif", ("the chapters", "the tags", "pixels are 4:3", "audio stream 1")),
        ("out_%02d.png", ("sound, chapters cannot be kept", "pixels are 4:3")),
    ],
)
def test_chapters_tags_languages_and_shape_are_kept_or_said_to_be_lost(
    name: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    report = copied(rich(tmp_path), tmp_path / name, EncodeOptions())
    assert len(report.warnings) == len(words), report.warnings
    for word in words:
        assert any(word in warning for warning in report.warnings), word


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_a_comment_of_the_original_stays_beside_that_on_painting(name: str, tmp_path: Path) -> None:
    source = look_at(rich(tmp_path))
    tags = {"comment": "Painted by videostyle 1 with the style wave", "videostyle": "{}"}
    for film, original in ((tmp_path / name, source), (tmp_path / f"again_{name}", None)):
        original = original or look_at(tmp_path / name)
        with open_reader(original) as reader:
            how = EncodeOptions(overwrite=True)
            writer = open_writer(film, reader.info, how, original=Original(original.media), metadata=tags)
            for batch in reader:
                writer.write(batch)
            writer.close()
        with av.open(str(film)) as container:
            found = {key.lower(): value for key, value in container.metadata.items()}
            assert len(found) == len(container.metadata)
        assert found["title"] == "A title"
        assert found["artist"] == "Somebody"
        assert found["comment"].startswith("A comment | Painted by videostyle 1")


def named_tracks(path: Path) -> Path:
    """A film with two tracks of sound that have titles, languages and a mark."""
    names = ("-metadata:s:a:0", "title=One", "-metadata:s:a:0", "language=eng", "-disposition:a:0", "default")
    names += ("-metadata:s:a:1", "title=Zwei", "-metadata:s:a:1", "language=deu", "-disposition:a:1", "comment")
    return make(path, *PICTURE, *SOUND, *SOUND, "-map", "0", "-map", "1", "-map", "2", *X264, *AAC, *names)


@pytest.mark.parametrize(
    ("output", "title", "language", "lost"),
    [
        ("out.mkv", "Zwei", "deu", ()),
        ("out.mp4", "Zwei", "deu", ()),
        ("out.mov", "Zwei", "ger", ("mark (comment) of audio stream 2 cannot be kept in .mov",)),
        ("out.ts", None, "deu", ("title of audio stream 1", "title and mark (comment) of audio stream 2")),
        ("out.flv", None, None, ("title of audio stream 1", "title and mark (comment) of audio stream 2", "languages")),
    ],
)
@pytest.mark.parametrize("source", ["in.mkv", "in.mp4"])
def test_what_tracks_are_called_is_kept_or_said_to_be_lost(
    source: str, output: str, title: str | None, language: str | None, lost: tuple[str, ...], tmp_path: Path
) -> None:
    report = copied(named_tracks(tmp_path / source), tmp_path / output)
    with av.open(str(tmp_path / output)) as container:
        tags = container.streams.audio[1].metadata
    assert tags.get("title", tags.get("name")) == title
    assert tags.get("language") == language
    assert len(report.warnings) == len(lost)
    for words in lost:
        assert any(words in warning for warning in report.warnings), words
