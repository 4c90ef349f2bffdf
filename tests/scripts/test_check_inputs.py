"""A sample of the inputs of many kinds: read and written as the ffmpeg program decodes them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conftest import load_script

awkward = load_script("awkward_inputs")
CASES = {case.name: case for case in awkward.cases()}
SAMPLE = (
    # A repeated frame is an empty packet; a decoder that holds sound back; chapters that are a track.
    *("libtheora.ogv", "wmav2.wmv", "chapters.mp4"),
    # Raw frames, an animation whose frames show through, colours for four pixels, odd sizes.
    *("a.mjpeg", "a.webp", "yuv411p.mkv", "vp9_63x48.webm", "61x47.mkv", "1x1.mkv"),
    *("gray16le.mkv", "640x480_unstated_pc.mp4", "wide.mpg", "turned90-display_hflip.mp4", "rate30000_1001.mkv"),
    *("variable.ts", "open_gop.mp4", "cut.mkv", "held.gif", "no_index.avi", "twice.ts", "bff.mov"),
    *("pcm_s16le_6.mkv", "lead0.5.mp4", "two_videos.mp4", "halved.mkv", "no_index.mp4", "prores_ks.mov"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where inputs are made, some of others."""
    path = tmp_path_factory.mktemp("inputs")
    for name in ("h264.mp4", "b_frames.mp4"):
        CASES[name].make(path)
    return path


def test_there_are_many_inputs_and_none_twice() -> None:
    assert len(CASES) == len(awkward.cases()) > 300
    assert set(SAMPLE) <= CASES.keys()


@pytest.mark.parametrize("name", SAMPLE)
def test_frames_times_shape_colours_sound_and_words_are_right(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "awkward_inputs", awkward)
    assert load_script("check_inputs").check(CASES[name], folder) == []
