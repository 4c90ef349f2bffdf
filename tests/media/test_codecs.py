"""What each codec can be told: a quality and a preset that it has, or an error before anything is painted."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from videostyle.errors import UsageError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.media.ffmpeg.argv import encode_arguments
from videostyle.media.ffmpeg.codecs import (
    CODECS,
    DRAFT,
    HARDWARE,
    OTHER_NAMES,
    check_pixel_format,
    check_quality,
    codec_for,
    codec_name,
    picture_quality,
    usual_suffix,
)
from videostyle.media.ffmpeg.process import encoder_formats
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.open import open_writer
from videostyle.rendering.settings import RenderSettings

INFO = VideoInfo(64, 64, fps=Fraction(25))
NO_QUALITY = ("prores", "qtrle", "ffv1", "gif", "h264_videotoolbox", "hevc_videotoolbox")
NO_PRESETS = (*NO_QUALITY, "webp")


def value_of(option: str, arguments: list[str]) -> str | None:
    """What ffmpeg takes for an option: the last of its values; None if it is not given."""
    places = [number for number, word in enumerate(arguments) if word == option]
    return arguments[places[-1] + 1] if places else None


def command(name: str, crf: int | None = None, preset: str | None = None) -> list[str]:
    codec = codec_for(name, CODECS[name].containers[0])
    return encode_arguments(INFO, codec, Path("out"), crf=crf, preset=preset)


@pytest.mark.parametrize("name", CODECS)
def test_a_quality_reaches_the_encoder_or_is_refused(name: str) -> None:
    suffix = CODECS[name].containers[0]
    if name in NO_QUALITY:
        with pytest.raises(UsageError, match=f"{name} has none"):
            check_quality(name, suffix, 20, None)
        assert not {"-crf", "-cq", "-global_quality"} & set(command(name))
        return
    check_quality(name, suffix, 20, None)
    option = CODECS[name].quality_option
    assert value_of(option, command(name, crf=20)) == ("60" if name == "webp" else "20")
    assert value_of(option, command(name)) == ("85" if name == "webp" else str(CODECS[name].quality))
    with pytest.raises(UsageError, match=f"beyond the scale of {name}"):
        check_quality(name, suffix, CODECS[name].worst_quality + 1, None)


@pytest.mark.parametrize("name", CODECS)
def test_a_preset_reaches_the_encoder_or_is_refused(name: str) -> None:
    suffix = CODECS[name].containers[0]
    if name in NO_PRESETS:
        with pytest.raises(UsageError, match=f"{name} has no presets"):
            check_quality(name, suffix, None, "fast")
        return
    for preset in CODECS[name].presets:
        check_quality(name, suffix, None, preset)
        assert value_of(CODECS[name].preset_option, command(name, preset=preset)) == preset
    with pytest.raises(UsageError, match="has no preset 'quickly'") as caught:
        check_quality(name, suffix, None, "quickly")
    assert CODECS[name].presets[0] in caught.value.hint


@pytest.mark.parametrize("name", CODECS)
def test_drafts_are_quick_with_every_codec(name: str) -> None:
    codec = CODECS[name]
    check_quality(name, codec.containers[0], None, DRAFT)
    drafted = value_of(codec.preset_option, command(name, preset=DRAFT))
    assert drafted != DRAFT
    if codec.presets:
        assert drafted in codec.presets
        usual = value_of(codec.preset_option, command(name))
        assert usual in (*codec.presets, None)
        assert usual != drafted


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".gif"])
def test_writers_refuse_before_they_write(suffix: str, tmp_path: Path) -> None:
    codec = {".mov": "prores", ".mkv": "ffv1", ".gif": None}[suffix]
    for options in (EncodeOptions(codec, crf=20), EncodeOptions(codec, preset="fast")):
        with pytest.raises(UsageError, match="has no"):
            open_writer(tmp_path / f"out{suffix}", INFO, options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "preset"), [("h264", "slow"), ("hevc", "ultrafast"), ("av1", "12"), ("vp9", "8"), ("webp", None)]
)
def test_a_worse_quality_makes_a_smaller_file(name: str, preset: str | None, tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (6, 64, 64, 3), dtype=np.uint8)
    sizes = []
    for crf in (5, 45):
        path = tmp_path / f"{crf}{CODECS[name].containers[0]}"
        writer = open_writer(path, INFO, EncodeOptions(name, crf=crf, preset=preset))
        writer.write(FrameBatch(frames, np.arange(6) / 25, 0))
        writer.close()
        sizes.append(path.stat().st_size)
    assert sizes[1] < 0.6 * sizes[0]


def test_small_av1_takes_the_presets_of_large_av1(tmp_path: Path) -> None:
    small = VideoInfo(32, 32, fps=Fraction(25))
    arguments = encode_arguments(small, CODECS["av1"], Path("out"), preset="12")
    assert value_of("-c:v", arguments) == "libaom-av1"
    assert value_of("-cpu-used", arguments) == "8"
    assert "-preset" not in arguments


def test_jpeg_and_webp_have_one_scale() -> None:
    assert [picture_quality(crf) for crf in (0, 20, 49, 63)] == [100, 60, 2, 1]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("h265", "hevc"),
        ("H.264", "h264"),
        ("x264", "h264"),
        ("libx264", "h264"),
        ("libx265", "hevc"),
        ("hevc_nvenc", "hevc_nvenc"),
        ("h265_nvenc", "hevc_nvenc"),
        ("libsvtav1", "av1"),
        ("libvpx-vp9", "vp9"),
        ("ProRes", "prores"),
        ("png", "png"),
    ],
)
def test_codecs_are_known_by_the_names_that_others_give_them(text: str, name: str) -> None:
    assert codec_name(text) == name
    assert RenderSettings("a", codec=text).codec == name


def test_a_misspelt_codec_is_told_which_may_be_meant() -> None:
    with pytest.raises(UsageError, match="did you mean prores"):
        codec_name("proress")
    assert set(OTHER_NAMES.values()) <= set(CODECS)


@pytest.mark.parametrize("name", CODECS)
def test_the_usual_suffix_of_a_codec_can_hold_it(name: str) -> None:
    assert codec_for(name, usual_suffix(name)).encoder == CODECS[name].encoder


@pytest.mark.parametrize(
    ("suffix", "options", "size", "message"),
    [
        (".mp4", EncodeOptions(pixel_format="foo"), (64, 64), r"cannot store 'foo' .*yuv420p"),
        (".mov", EncodeOptions("prores", pixel_format="yuv420p"), (64, 64), r"cannot store 'yuv420p' .*yuv422p10le"),
        (".mp4", EncodeOptions(pixel_format="yuv420p"), (61, 47), r"61x47 cannot .*yuv444p"),
        (".gif", EncodeOptions(pixel_format="rgb8"), (64, 64), "chooses its colours itself"),
    ],
)
def test_a_pixel_format_is_looked_at_before_anything_is_decoded(
    suffix: str, options: EncodeOptions, size: tuple[int, int], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        open_writer(tmp_path / f"out{suffix}", VideoInfo(*size, fps=Fraction(25)), options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [name for name in CODECS if name not in HARDWARE])
def test_the_usual_pixel_formats_are_among_those_of_the_encoder(name: str) -> None:
    codec = CODECS[name]
    for stored, size in ((codec.pixel_format, (64, 64)), (codec.odd_pixel_format, (61, 47))):
        check_pixel_format(codec, stored or None, encoder_formats(codec.encoder), size)
