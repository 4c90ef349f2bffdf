"""Changes along a clip: what users write, which values they mean, and what is painted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from tests.conftest import ffmpeg
from tests.rendering.conftest import decoded
from videostyle.errors import InputError, SettingError
from videostyle.media.readers.open import open_reader
from videostyle.media.timecode import TimePoint
from videostyle.processors.curve import read_curve
from videostyle.processors.timeline import CURVES, Track, eased, key_frame_from, shares_of, snapped
from videostyle.rendering import plan
from videostyle.rendering.chunks import paint_in_folders
from videostyle.rendering.iterate import iterate
from videostyle.rendering.job_store import load_job
from videostyle.rendering.outputs import OutputRequest
from videostyle.rendering.preflight import tell_of_late_changes
from videostyle.rendering.render import render
from videostyle.rendering.settings import RenderSettings, settings_from, to_json


def timed(*frames: Any, style: str = "great-wave", **more: Any) -> RenderSettings:
    return settings_from({"style": style, "timeline": list(frames), **more})


@pytest.fixture(scope="module")
def still_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 frames in which nothing moves, 25 a second."""
    path = tmp_path_factory.mktemp("still") / "still.mkv"
    ffmpeg("-f", "lavfi", "-i", "mandelbrot=s=64x48:r=1", "-frames:v", "1", path.with_suffix(".png"))
    ffmpeg("-loop", "1", "-framerate", "25", "-t", "2.4", "-i", path.with_suffix(".png"), "-c:v", "ffv1", path)
    return path


# -- what is written ------------------------------------------------------------------------------------------------


def test_words_and_tables_mean_the_same() -> None:
    words = key_frame_from("12.5s style=starry_night ease=2s curve=linear snap=true sharpen.amount=1")
    table = {"at": 12.5, "style": "starry-night", "ease": 2, "curve": "linear", "snap": True, "sharpen.amount": 1}
    listed = ["12.5s", "style=starry-night", "ease=2", "curve=linear", "snap=yes", "sharpen.amount=1.0"]
    assert words == key_frame_from(table) == key_frame_from(listed)
    assert words.at == TimePoint(seconds=12.5)
    assert words.options == {"sharpen.amount": 1.0}
    assert key_frame_from(words.values()) == words
    settings = timed("0:01 strength=0.5", "50f canvas=0")
    assert settings_from(json.loads(json.dumps(to_json(settings)))) == settings


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("noon strength=1", "cannot read the time 'noon'"),
        ("1s", "changes nothing"),
        ("1s strength=2", "strength cannot be '2' (give 0 to 1)"),
        ("1s strengt=1", "a key frame has no 'strengt' (did you mean strength?)"),
        ("1s strength=1 curve=bounce", "no curve 'bounce'"),
        ("1s style=wave:0.5", "'wave:0.5' holds a strength (give style=great-wave strength=0.5)"),
        ("1s style=painting.jpg", "learn pictures first"),
        ("1s sharpen.amount=9", "sharpen.amount cannot be '9' (give a number from 0 to 3)"),
        ("1s degrain.frames=2", "'degrain' has no number 'frames'"),
        ("1s sharpn.amount=1", "no processor 'sharpn'"),
        ("1s strength=1 clip.mp4", "cannot read 'clip.mp4'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(words: str, why: str) -> None:
    with pytest.raises(SettingError) as caught:
        timed(words)
    assert why in str(caught.value)
    assert caught.value.setting == "timeline"


def test_mistakes_between_settings_are_found_before_anything_is_painted(still_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"'sharpen' of 'sharpen.amount' is not in the chain"):
        render(still_clip, tmp_path / "a.mp4", timed("1s sharpen.amount=1"))
    with pytest.raises(Exception, match="did you mean starry-night"):
        render(still_clip, tmp_path / "a.mp4", timed("1s style=starry-nigh"))
    with pytest.raises(InputError, match="cannot read"):
        render(still_clip, tmp_path / "a.mp4", timed(strength_from=str(tmp_path / "none.csv")))
    assert not list(tmp_path.iterdir())


def test_a_change_behind_the_end_is_warned_of(still_clip: Path, caplog: pytest.LogCaptureFixture) -> None:
    changes = timed("1s strength=0.5", "0:01:40 strength=0.2")
    with open_reader(still_clip) as reader:
        tell_of_late_changes([OutputRequest(None, changes)], reader)
    assert caplog.messages == ["still.mkv: the change at 100 s comes behind the end, and changes nothing"]


# -- which values it means ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("curve", CURVES)
def test_a_curve_rises_evenly_from_0_to_1(curve: str) -> None:
    values = np.array([eased(curve, x) for x in np.linspace(-0.2, 1.2, 141)])
    assert values[0] == 0.0
    assert values[-1] == pytest.approx(1.0)
    steps = np.diff(values)[20:120]
    assert steps.min() > 0
    assert steps.max() <= 1.2 * steps.mean()
    assert eased("smooth", 0.5) == pytest.approx(0.5)


def test_a_change_that_interrupts_another_goes_on_from_where_it_is() -> None:
    track = Track(0.0)
    track.change(1.0, 1.0, 2.0, "linear")
    track.change(2.0, 0.0, 1.0, "linear")
    assert [track.value(t) for t in (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 9.0)] == pytest.approx([0, 0, 0.25, 0.5, 0.25, 0, 0])
    mix = Track(shares_of("a"))
    mix.change(0.0, shares_of("b:3,c:1"), 2.0, "linear")
    assert mix.value(1.0) == pytest.approx({"a": 0.5, "b": 0.375, "c": 0.125})
    assert mix.value(2.0) == pytest.approx({"b": 0.75, "c": 0.25})


def test_key_frames_snap_to_near_cuts_only() -> None:
    frames = [key_frame_from(f"{at} strength=0 snap=true") for at in ("4.3s", "8s", "60f")]
    found = [frame.at.seconds for frame in snapped(frames, [0.0, 4.0, 9.5], 25.0)]
    assert found == pytest.approx([2.38, 4.0, 8.0])  # frame 60 begins at 2.4 seconds


def test_a_curve_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,strength\n0,1\n0:01,0.5\n\n# a remark\n3,0\n")
    curve = read_curve(tmp_path / "a.csv")
    assert [curve(t) for t in (0, 0.5, 2, 9)] == pytest.approx([1, 0.75, 0.25, 0])
    for text, why in (("0,1\n1,x\n", "row 2"), ("1,1\n0,1\n", "earlier"), ("0,2\n", "row 1"), ("", "no times")):
        (tmp_path / "b.csv").write_text(text)
        with pytest.raises(InputError, match=why):
            read_curve(tmp_path / "b.csv")


# -- what is painted ------------------------------------------------------------------------------------------------


def painted(clip: Path, settings: RenderSettings) -> np.ndarray:
    return np.concatenate([batch.frames for batch in iterate(clip, settings)]).astype(float)


def test_a_change_of_strength_over_two_seconds_has_no_jump(still_clip: Path) -> None:
    frames = painted(still_clip, timed("0.2s strength=0 ease=2s"))
    fixed = painted(still_clip, RenderSettings("great-wave", end=TimePoint(frame=1)))[0]
    assert np.abs(frames[0] - fixed).max() <= 2
    steps = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
    during = steps[5:55]
    assert steps[:5].max() == 0
    assert steps[56:].max() == 0
    assert during.min() > 0
    assert during.max() <= 1.5 * during.mean()


def test_styles_change_at_once_or_by_way_of_their_mixes(still_clip: Path) -> None:
    first = RenderSettings("great-wave", end=TimePoint(frame=1))
    wave, night = (painted(still_clip, replace(first, style=name))[0] for name in ("great-wave", "starry-night"))
    settings = timed("5f style=starry-night", "0.4s style=great-wave ease=0.4s curve=linear", end="22f")
    frames = painted(still_clip, settings)
    assert np.abs(frames[4] - wave).max() <= 2
    assert np.abs(frames[5] - night).max() <= 2
    assert np.abs(frames[21] - wave).max() <= 2
    apart = np.abs(night - wave).mean()
    assert all(0 < np.abs(frames[15] - end).mean() < apart for end in (wave, night))
    # A mix of weights is no cross-fade of pictures.
    assert np.abs(frames[15] - (night + wave) / 2).mean() > 0.1 * apart


def test_workers_paint_the_frames_of_the_whole(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "CHUNK", 16)
    changes = ["0.2s style=starry-night ease=1s", "0.8s canvas=0 sharpen.amount=0 ease=0.4s"]
    settings = timed(*changes, end="40f", processors=["sharpen:amount=2"], strength_from="sound")
    whole = render(film, tmp_path / "whole.mp4", settings)
    assert whole.frames == 40
    planned = render(film, tmp_path / "parts.mp4", settings, plan_only=True)
    job = load_job(planned.output)
    assert job is not None
    assert job.plan.timeline is not None
    assert len(job.plan.chunks) == 3
    for number in reversed(range(len(job.plan.chunks))):
        paint_in_folders([str(planned.output)], [number])
    assert render(film, tmp_path / "parts.mp4", settings).resumed == 40
    assert decoded(tmp_path / "parts.mp4") == decoded(tmp_path / "whole.mp4")


def test_options_of_processors_change(still_clip: Path) -> None:
    change = "0.2s preserve-color.amount=1 ease=0.8s curve=linear"
    settings = timed(change, processors=["preserve-color:amount=0"], end="27f")
    frames = painted(still_clip, settings)
    plain = RenderSettings("great-wave", end=TimePoint(frame=1))
    ends = [painted(still_clip, replace(plain, preserve_color=keep))[0] for keep in (False, True)]
    assert np.abs(frames[0] - ends[0]).max() <= 2
    assert np.abs(frames[-1] - ends[1]).max() <= 2
    assert np.abs(frames[15] - (ends[0] + ends[1]) / 2).mean() < 0.1 * np.abs(ends[0] - ends[1]).mean()
