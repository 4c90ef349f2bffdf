"""What goes in comes out: frames, times, sound, size, colour, for every kind of clip."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.conftest import ffmpeg as make
from videostyle.errors import InputError, OutputError, UsageError
from videostyle.frames import ColorInfo, FrameBatch, VideoInfo
from videostyle.media import probe as probe_module
from videostyle.media.ffmpeg.codecs import frames_for
from videostyle.media.ffmpeg.process import ffmpeg_exe
from videostyle.media.probe import probe
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.media.readers.pictures import read_picture
from videostyle.media.timecode import TimePoint
from videostyle.media.writers import mux, streams, video
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.mux import Original
from videostyle.media.writers.open import open_writer
from videostyle.rendering.pipeline import run

Clip = Callable[[str], Path]
VIDEOS = [
    *("plain.mp4", "silent.mkv", "ntsc.mp4", "variable.mp4", "one.mp4", "odd.mkv", "pixel.mkv", "wide.mp4", "ten.mp4"),
    *(
        "full.mp4",
        "interlaced.mp4",
        "alpha.mov",
        "raw.h264",
        "shifted.mkv",
        "tracks.mkv",
        "turned90.mp4",
        "turned270.mp4",
    ),
    *("hdr.mp4", "subtitles.mkv"),
]


def everything(path: Path, **options: object) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Frames, times and warnings of a source."""
    with open_reader(path, ReadOptions(**options)) as source:
        batches = list(source)
        return np.concatenate([b.frames for b in batches]), np.concatenate([b.pts for b in batches]), source.warnings


def copy(path: Path, output: Path, options: EncodeOptions | None = None, **reading: object):  # type: ignore[no-untyped-def]
    source = open_reader(path, ReadOptions(**reading))
    media = source.input.media
    return run(
        source,
        [],
        lambda info: open_writer(
            output,
            info,
            options or EncodeOptions(crf=1, preset="ultrafast"),
            original=Original(media) if media is not None else None,
        ),
    )


PAINT = np.array([[(60, 160, 40), (200, 60, 50), (20, 40, 180), (235, 220, 90)]], np.uint8).repeat(16, 1).repeat(48, 0)
BT709 = ColorInfo("bt709", "bt709", "bt709", False)
BT709_FULL = ColorInfo("bt709", "bt709", "bt709", True)
BT601 = ColorInfo("smpte170m", "smpte170m", "smpte170m", False)
BT601_FULL = ColorInfo("smpte170m", "smpte170m", "smpte170m", True)
PAL = ColorInfo("bt470bg", "bt470bg", "gamma28", False)
BT2020 = ColorInfo("bt2020nc", "bt2020", "bt2020-10", False)


def planes(picture: np.ndarray, color: ColorInfo) -> np.ndarray:
    """What the style processor makes of uint8 ``[H, W, 3]`` RGB for a video of that colour: ``[1, H * 3 / 2, W]``."""
    kr, kb = (0.2126, 0.0722) if color.matrix == "bt709" else (0.299, 0.114)
    red, green, blue = np.moveaxis(picture.astype(float), -1, 0)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))
    if not color.full_range:
        luma, cb, cr = luma * 219 / 255 + 16, cb * 224 / 255, cr * 224 / 255
    h, w = luma.shape
    chroma = [(c + 128).reshape(h // 2, 2, w // 2, 2).mean((1, 3)).reshape(h // 4, w) for c in (cb, cr)]
    return np.rint(np.concatenate([luma, *chroma]).clip(0, 255)).astype(np.uint8)[None]


def shown(path: Path) -> np.ndarray:
    """The first frame as ffmpeg shows it, which goes by what the file says of its colours: uint8 48x64 RGB."""
    command = [ffmpeg_exe(), "-loglevel", "error", "-i", str(path), "-frames:v", "1", "-f", "rawvideo"]
    command += ["-vf", "scale=flags=accurate_rnd+full_chroma_int+neighbor", "-pix_fmt", "rgb24", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8).reshape(48, 64, 3)


def packets(path: Path, kind: str) -> list[str]:
    """One hash over the packets of each stream of a kind."""
    with av.open(str(path)) as container:
        streams = [s for s in container.streams if s.type == kind]
        digests = {s.index: hashlib.sha256() for s in streams}
        for packet in container.demux(streams) if streams else []:
            digests[packet.stream.index].update(bytes(packet))
        return [d.hexdigest() for d in digests.values()]


@pytest.mark.parametrize("name", VIDEOS)
def test_source_contract(clip: Clip, name: str) -> None:
    """Every source: declared size, rising times, consecutive numbers, full batches but the last, not empty."""
    with open_reader(clip(name), ReadOptions(batch_size=4)) as source:
        batches = list(source)
        info = source.info
    assert batches
    assert all(b.frames.shape[1:] == (info.height, info.width, 3) for b in batches)
    assert all(len(b) == 4 for b in batches[:-1])
    assert [b.index for b in batches] == list(range(0, 4 * len(batches), 4))
    times = np.concatenate([b.pts for b in batches])
    assert (np.diff(times) > 0).all()


@pytest.mark.parametrize("name", VIDEOS)
def test_a_clip_comes_back_with_its_frames_times_sound_and_size(clip: Clip, name: str, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    copy(clip(name), output)
    frames, times, _ = everything(clip(name))
    back, back_times, _ = everything(output)
    assert back.shape == frames.shape
    tick = float(probe(output).video.time_base)
    start = min(probe(clip(name)).start, times[0])
    np.testing.assert_allclose(back_times, times - start, atol=tick)
    assert packets(output, "audio") == packets(clip(name), "audio")
    assert probe(output).video.sample_aspect == probe(clip(name)).video.sample_aspect
    assert probe(output).video.rotation == 0
    assert not list(tmp_path.glob(".*")), "something was left behind"


@pytest.mark.parametrize("name", ["plain.mp4", "full.mp4", "variable.mp4"])
def test_identity_keeps_the_picture(clip: Clip, name: str, tmp_path: Path) -> None:
    copy(clip(name), tmp_path / "out.mp4")
    frames, back = everything(clip(name))[0], everything(tmp_path / "out.mp4")[0]
    # The test card is all hard edges, where chroma subsampling costs most.
    assert np.abs(frames.astype(int) - back).mean() <= 1.0
    video = probe(tmp_path / "out.mp4").video
    assert video.color.full_range in (probe(clip(name)).video.color.full_range, False)


def test_identity_is_exact_in_a_lossless_codec(clip: Clip, tmp_path: Path) -> None:
    copy(clip("odd.mkv"), tmp_path / "out.mkv", EncodeOptions(codec="ffv1"))
    np.testing.assert_array_equal(everything(clip("odd.mkv"))[0], everything(tmp_path / "out.mkv")[0])


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("h264", ".mp4"),
        ("hevc", ".mp4"),
        ("av1", ".mp4"),
        ("vp9", ".webm"),
        ("prores", ".mov"),
        ("ffv1", ".mkv"),
        ("h264", ".mkv"),
    ],
)
def test_sink_contract(clip: Clip, codec: str, suffix: str, tmp_path: Path) -> None:
    """Every codec keeps every frame at its own time, variable rate and reordered packets included."""
    copy(clip("variable.mp4"), tmp_path / f"out{suffix}", EncodeOptions(codec=codec, audio=False))
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        stream = container.streams.video[0]
        tick = float(stream.time_base)
        written = sorted(tick * p.pts for p in container.demux(stream) if p.pts is not None)
    times = everything(clip("variable.mp4"))[1]
    np.testing.assert_allclose(written, times - times[0], atol=tick)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_animated_pictures(clip: Clip, suffix: str, tmp_path: Path) -> None:
    copy(clip("silent.mkv"), tmp_path / f"out{suffix}", EncodeOptions())
    assert (tmp_path / f"out{suffix}").stat().st_size > 1000


def test_sequences_and_stills_go_in_and_out(clip: Clip, tmp_path: Path) -> None:
    copy(clip("silent.mkv"), tmp_path / "frame_%03d.png", EncodeOptions())
    files = sorted(tmp_path.glob("frame_*.png"))
    assert len(files) == 25
    frames = everything(clip("silent.mkv"))[0]
    np.testing.assert_array_equal(everything(tmp_path / "frame_%03d.png")[0], frames)
    np.testing.assert_array_equal(everything(tmp_path)[0], frames)
    np.testing.assert_array_equal(read_picture(files[3]), frames[3])
    report = copy(files[3], tmp_path / "still.png", EncodeOptions())
    assert report.frames == 1
    np.testing.assert_array_equal(read_picture(tmp_path / "still.png"), frames[3])


def test_subtitles_chapters_and_tags_are_copied(clip: Clip, tmp_path: Path) -> None:
    copy(clip("subtitles.mkv"), tmp_path / "out.mkv")
    assert packets(tmp_path / "out.mkv", "subtitle") == packets(clip("subtitles.mkv"), "subtitle")
    media = probe(tmp_path / "out.mkv")
    assert len(media.chapters) == 1
    assert media.metadata.get("title") == "A title"


def test_start_and_end_cut_picture_and_sound_alike(clip: Clip, tmp_path: Path) -> None:
    frames = everything(clip("plain.mp4"))[0]
    part, times, _ = everything(clip("plain.mp4"), start=TimePoint(frame=5), end=TimePoint(seconds=0.6))
    np.testing.assert_array_equal(part, frames[5:15])
    assert times[0] == pytest.approx(0.2)
    source = open_reader(clip("plain.mp4"), ReadOptions(start=TimePoint(seconds=0.2), end=TimePoint(seconds=0.6)))
    run(
        source,
        [],
        open_writer(tmp_path / "out.mp4", source.info, original=Original(source.input.media, 0.2, 0.6)),
    )
    with av.open(str(tmp_path / "out.mp4")) as container:
        sound = [float(p.pts * p.time_base) for p in container.demux(container.streams.audio[0]) if p.pts is not None]
    assert -0.03 <= min(sound) <= 0.03
    assert 0.35 <= max(sound) <= 0.4


def test_a_range_without_frames_is_refused(clip: Clip) -> None:
    with pytest.raises(UsageError, match="no frame"):
        everything(clip("plain.mp4"), start=TimePoint(seconds=50.0))


def test_constant_rate_shows_each_frame_when_it_is_due(clip: Clip) -> None:
    frames, times, _ = everything(clip("variable.mp4"))
    even, even_times, _ = everything(clip("variable.mp4"), frame_rate=Fraction(25))
    np.testing.assert_allclose(np.diff(even_times), 0.04, atol=1e-9)
    shown = np.searchsorted(times, even_times + 1e-6) - 1
    np.testing.assert_array_equal(even, frames[shown])


@pytest.mark.parametrize("rate", [Fraction(10), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60)])
@pytest.mark.parametrize("name", ["plain.mp4", "fast.mp4"])
def test_constant_rate_keeps_the_length(clip: Clip, name: str, rate: Fraction, tmp_path: Path) -> None:
    path = clip("plain.mp4")
    if name == "fast.mp4":
        path = tmp_path / name
        make("-f", "lavfi", "-i", "testsrc2=s=64x48:r=50:d=1", "-pix_fmt", "yuv420p", path)
    frames, times, _ = everything(path, frame_rate=rate)
    assert len(frames) == round(1 * rate)
    np.testing.assert_allclose(times, np.arange(len(frames)) / float(rate), atol=1e-6)
    one, _, _ = everything(path, frame_rate=rate, start=TimePoint(frame=3), end=TimePoint(frame=4))
    assert 1 <= len(one) <= 2


def test_max_size_shrinks_and_keeps_the_shape(clip: Clip) -> None:
    assert everything(clip("plain.mp4"), max_size=32)[0].shape[1:] == (24, 32, 3)
    assert everything(clip("plain.mp4"), max_size=640)[0].shape[1:] == (48, 64, 3)


def test_rotation_is_applied_the_right_way_round(clip: Clip) -> None:
    upright = everything(clip("plain.mp4"))[0][0].astype(int)
    for name, turns in (("turned90.mp4", 1), ("turned270.mp4", 3)):
        turned = everything(clip(name))[0][0].astype(int)
        assert turned.shape == (64, 48, 3)
        # -display_rotation turns counter-clockwise, as numpy does.
        assert np.abs(turned - np.rot90(upright, turns)).mean() < 3


@pytest.mark.parametrize(
    ("name", "words"),
    [("interlaced.mp4", "deinterlaced"), ("hdr.mp4", "HDR"), ("ten.mp4", "10-bit"), ("alpha.mov", "alpha")],
)
def test_what_is_changed_is_said(clip: Clip, tmp_path: Path, name: str, words: str) -> None:
    report = copy(clip(name), tmp_path / "out.mp4")
    assert any(words in warning for warning in report.warnings)


def test_interlaced_frames_are_not_black(clip: Clip) -> None:
    assert everything(clip("interlaced.mp4"))[0].mean() > 60


def test_hdr_can_be_refused(clip: Clip) -> None:
    with pytest.raises(InputError, match="HDR"):
        everything(clip("hdr.mp4"), hdr=False)


def test_frames_of_a_wrong_size_are_refused(tmp_path: Path) -> None:
    sink = open_writer(tmp_path / "out.mp4", VideoInfo(64, 48, fps=Fraction(25)))
    with pytest.raises(ValueError, match="32x48"):
        sink.write(FrameBatch(np.zeros((1, 48, 32, 3), np.uint8), np.zeros(1), 0))
    sink.abort()
    assert not list(tmp_path.iterdir())


def test_unknown_codecs_and_containers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = VideoInfo(64, 48, fps=Fraction(25))
    with pytest.raises(UsageError, match="no codec"):
        open_writer(tmp_path / "a.mp4", info, EncodeOptions(codec="nonsense"))
    with pytest.raises(UsageError, match="cannot hold"):
        open_writer(tmp_path / "a.webm", info, EncodeOptions(codec="h264"))
    monkeypatch.setattr(video, "encoder_works", lambda name: False)  # on a Mac it does
    with pytest.raises(OutputError, match="does not work"):
        open_writer(tmp_path / "a.mp4", info, EncodeOptions(codec="h264_videotoolbox"))


def test_a_video_made_of_pictures_says_how_its_colours_are_stored(tmp_path: Path) -> None:
    import cv2

    colors = np.zeros((48, 64, 3), np.uint8)
    colors[:, :32] = (255, 0, 0)
    colors[:, 32:] = (0, 255, 0)
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"f{i}.png"), colors[..., ::-1])
    with open_reader(tmp_path) as source:
        sink = open_writer(tmp_path / "out.mp4", source.info, EncodeOptions(crf=1))
        for batch in source:
            sink.write(batch)
        sink.close()
    stored = probe(tmp_path / "out.mp4").video
    assert stored is not None
    assert (stored.color.matrix, stored.color.full_range) == ("bt709", False)
    with open_reader(tmp_path / "out.mp4") as source:
        frame = next(iter(source)).frames[0]
    assert np.abs(frame[20:28, 8:24].astype(int) - colors[20:28, 8:24]).max() <= 4


@pytest.mark.parametrize("form", ["i420", "rgb24"])
@pytest.mark.parametrize(
    ("name", "color", "matrix", "full"),
    [
        *(("h264.mp4", BT709, "bt709", False), ("h264.mp4", BT709_FULL, "bt709", True)),
        *(("h264.mp4", BT601, "smpte170m", False), ("h264.mp4", BT601_FULL, "smpte170m", True)),
        *(("h264.mp4", PAL, "bt470bg", False), ("h264.mkv", ColorInfo(), "smpte170m", False)),
        ("h264.mp4", BT2020, "bt2020nc", False),
        *(("hevc.mp4", BT709_FULL, "bt709", True), ("vp9.webm", BT709_FULL, "bt709", True)),
        *(("av1.mp4", BT709_FULL, "bt709", True), ("ffv1.mkv", BT709_FULL, "", True)),
        *(("prores.mov", BT709_FULL, "bt709", False), ("prores.mov", BT2020, "bt2020nc", False)),
        *(("gif.gif", BT709, "", None), ("webp.webp", BT709_FULL, "bt470bg", False)),
    ],
)
def test_colours_come_out_as_painted_and_the_file_says_how_they_are_stored(
    name: str, color: ColorInfo, matrix: str, full: bool | None, form: str, tmp_path: Path
) -> None:
    frames = planes(PAINT, color) if form == "i420" else PAINT[None]
    codec = name.split(".")[0]
    crf = 4 if codec in ("h264", "hevc", "vp9", "av1") else None
    info = VideoInfo(64, 48, fps=Fraction(25), color=color)
    sink = open_writer(tmp_path / name, info, EncodeOptions(codec=codec, crf=crf))
    sink.write(FrameBatch(frames, np.zeros(1), 0, form))
    sink.close()
    inside = [np.s_[8:40, 16 * i + 4 : 16 * i + 12] for i in range(4)]
    picture, near = shown(tmp_path / name).astype(float), 5 if codec == "webp" else 2
    for place in inside:
        assert np.abs(picture[place].mean((0, 1)) - PAINT[place].mean((0, 1))).max() <= near
    stored = probe(tmp_path / name).video
    assert stored is not None
    assert (stored.color.matrix, stored.color.full_range) == (matrix, full)
    if codec not in ("gif", "webp"):
        assert (stored.color.primaries, stored.color.transfer) == (color.primaries, color.transfer)
    # And so they are read again.
    back = everything(tmp_path / name)[0][0].astype(float)
    for place in inside:
        assert np.abs(back[place].mean((0, 1)) - PAINT[place].mean((0, 1))).max() <= near + 1


@pytest.mark.parametrize(("source", "suffix"), [("plain.mp4", ".avi"), ("plain.ts", ".ts"), ("plain.mp4", ".ts")])
def test_older_containers_keep_frames_times_and_sound(clip: Clip, source: str, suffix: str, tmp_path: Path) -> None:
    path = clip("plain.mp4")
    if source.endswith(".ts"):
        path = tmp_path / source
        make("-i", clip("plain.mp4"), "-c", "copy", path)
    output = tmp_path / f"out{suffix}"
    report = copy(path, output, EncodeOptions(crf=1))  # with frames that wait for others, but for avi
    frames, times, _ = everything(path)
    back, back_times, _ = everything(output)
    assert np.abs(frames.astype(int) - back).mean() < 3
    np.testing.assert_allclose(back_times - back_times[0], times - times[0], atol=0.001)
    assert not [w for w in report.warnings if "audio" in w]
    assert len(packets(output, "audio")) == 1
    if source.endswith(".ts"):
        assert packets(output, "audio") == packets(path, "audio")


@pytest.mark.parametrize(("sound", "suffix"), [("flac", ".mov"), ("libopus", ".mov"), ("truehd", ".mp4")])
def test_a_track_that_the_container_refuses_is_encoded_and_said_before_painting(
    clip: Clip, sound: str, suffix: str, tmp_path: Path
) -> None:
    original = tmp_path / "in.mkv"
    second = ("-map", "0:a", "-c", "copy", "-c:a:1", sound, "-ac:a:1", "2", "-strict", "-2")
    make("-i", clip("plain.mp4"), "-map", "0", *second, original)
    with open_reader(original) as source:
        sink = open_writer(tmp_path / f"out{suffix}", source.info, original=Original(source.input.media))
        assert [w for w in sink.warnings if w.startswith("audio stream 2") and "is encoded as AAC" in w]
        for batch in source:
            sink.write(batch)
        sink.close()
    copied, encoded = packets(tmp_path / f"out{suffix}", "audio")
    assert copied == packets(original, "audio")[0]
    assert len(encoded) > 20


def test_a_track_that_is_refused_only_at_the_end_does_not_cost_the_picture(
    clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = tmp_path / "in.mkv"
    make("-i", clip("plain.mp4"), "-map", "0", "-map", "0:a", "-c", "copy", "-c:a:1", "flac", original)
    monkeypatch.setattr(streams, "_refusal", lambda stream, packet, container: "")
    report = copy(original, tmp_path / "out.mov")
    assert [w for w in report.warnings if "stream 2 could not be copied" in w]
    assert len(everything(tmp_path / "out.mov")[0]) == 25
    assert packets(tmp_path / "out.mov", "audio") == packets(original, "audio")[:1]


@pytest.mark.parametrize("suffix", [".avi", ".mkv"])
def test_containers_without_a_variable_rate_say_how_far_frames_are_moved(
    clip: Clip, suffix: str, tmp_path: Path
) -> None:
    said = {}
    for name in ("variable.mp4", "silent.mkv"):
        report = copy(clip(name), tmp_path / f"{name}{suffix}", EncodeOptions(audio=False))
        said[name] = [w for w in report.warnings if "no variable frame rate" in w]
    assert not said["silent.mkv"]
    assert bool(said["variable.mp4"]) == (suffix != ".mkv")


def test_frames_that_stay_for_seconds_keep_their_times(tmp_path: Path) -> None:
    source = "testsrc2=s=64x48:r=1/3:d=15"  # OpenCV takes a later frame's time for the first's
    make("-f", "lavfi", "-i", source, "-c:v", "libx264", "-pix_fmt", "yuv420p", tmp_path / "slow.mkv")
    np.testing.assert_allclose(everything(tmp_path / "slow.mkv")[1], [0, 3, 6, 9, 12], atol=0.001)


@pytest.mark.parametrize(
    ("codec", "suffix", "pixel_format", "frames"),
    [
        (None, ".mp4", None, "i420"),
        ("hevc", ".mkv", None, "i420"),
        (None, ".mp4", "yuv444p", "rgb24"),
        ("prores", ".mov", None, "rgb24"),
        ("ffv1", ".mkv", None, "rgb24"),
        ("gif", ".gif", None, "rgb24"),
    ],
)
def test_files_that_keep_every_pixels_colour_get_every_pixels_colour(
    codec: str | None, suffix: str, pixel_format: str | None, frames: str
) -> None:
    assert frames_for(codec, suffix, pixel_format) == frames


def test_an_input_is_probed_once_for_all_who_read_and_copy_it(
    clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probed, opened = [], []
    look, container = probe_module.probe, probe_module.open_container

    def counted(path: Path, **more: str) -> object:
        opened.append(path)
        return container(path, **more)

    monkeypatch.setattr(probe_module, "probe", lambda path: probed.append(path) or look(path))
    monkeypatch.setattr(probe_module, "open_container", counted)
    monkeypatch.setattr(mux, "open_container", counted)
    monkeypatch.setattr(streams, "open_container", counted)
    source = open_reader(clip("plain.mp4"))
    for options in (ReadOptions(batch_size=2), ReadOptions(max_size=32)):
        with open_reader(source.input, options) as again:
            assert again.info.width == (options.max_size or 64)
    assert (len(probed), len(opened)) == (1, 1)
    run(source, [], open_writer(tmp_path / "out.mp4", source.info, original=Original(source.input.media)))
    assert (len(probed), len(opened)) == (1, 3)  # for a look at its sound, and to copy it
    silent = open_reader(clip("silent.mkv"))
    run(silent, [], open_writer(tmp_path / "silent.mp4", silent.info, original=Original(silent.input.media)))
    assert (len(probed), len(opened)) == (2, 4)
