"""The Python interface."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import ROOT, Clip, frames_of


def test_api_render_stylizer_and_paint_agree(clip: Clip, tmp_path: Path) -> None:
    import videostyle

    report = videostyle.render(clip("silent.mkv"), "great-wave", tmp_path / "out.mkv", codec="ffv1", batch_size=4)
    painted = np.concatenate([b.frames for b in videostyle.paint(clip("silent.mkv"), "great-wave", batch_size=4)])
    assert report.frames == len(painted) == 25
    # The file went through i420 on its way.
    assert np.abs(frames_of(tmp_path / "out.mkv").astype(int) - painted).mean() < 8
    stylizer = videostyle.Stylizer("great-wave")
    frames = frames_of(clip("silent.mkv"))
    assert stylizer(frames).shape == frames.shape
    assert stylizer(frames[:0]).shape == (0, 48, 64, 3)
    with pytest.raises(ValueError, match="uint8"):
        stylizer(frames.astype(float))
    stylizer.reset()
    one = stylizer(frames[3])
    stylizer.reset()
    assert np.array_equal(one, stylizer(frames[3:4])[0])


@pytest.mark.parametrize("style", ["great-wave", "the-scream"])
def test_strength_walks_from_the_picture_to_the_painting(style: str) -> None:
    import videostyle

    frames = frames_of(ROOT / "samples" / "harbour.jpg")
    steps = [videostyle.Stylizer(style, strength=s)(frames).astype(int) for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
    left = [np.abs(step - steps[-1]).mean() for step in steps]
    assert left == sorted(left, reverse=True)  # each step is nearer to the painting
    gone = [np.abs(step - frames).mean() for step in steps]
    assert gone == sorted(gone)  # and farther from the picture
    # Neither brighter nor duller on the way than at its ends, nor pinker, greener or greyer.
    for measure, axis, within in (
        (np.mean, (1, 1, 1), 6),
        (np.std, (1, 1, 1), 6),
        (np.std, (3, -3, 0), 4),
        (np.std, (1.5, 1.5, -3), 4),
    ):
        found = [measure(step @ np.array(axis) / 3) for step in steps]
        assert found[1:4] == pytest.approx(np.linspace(found[0], found[-1], 5)[1:4], abs=within)
    assert 10 * np.log10(255**2 / ((steps[0] - frames) ** 2).mean()) > 34
    assert gone[-1] > 15


def test_mixes_are_paintings_of_their_own() -> None:
    import videostyle

    frames = frames_of(ROOT / "samples" / "harbour.jpg")
    wave, night, both = (
        videostyle.Stylizer(s)(frames).astype(int)
        for s in ("great-wave", "starry-night", "great-wave:0.5,starry-night:0.5")
    )
    assert min(np.abs(both - wave).mean(), np.abs(both - night).mean()) > 4


def test_help_shows_what_there_is_with_its_types() -> None:
    import pydoc

    import videostyle

    shown = pydoc.render_doc(videostyle, renderer=pydoc.plaintext)
    for text in (
        "render(input: 'str | Path', style: 'str', output: 'str | Path | None' = None, *, strength: 'float' = 1.0",
        "start: 'str | float | TimePoint | None' = None",
        "paint(input: 'str | Path', style: 'str', *, ",
        "class Stylizer(",
        "class VideostyleError(",
    ):
        assert text in shown


def test_the_base_of_all_errors_is_exported_and_told_apart_by_its_parts(tmp_path: Path) -> None:
    import videostyle

    with pytest.raises(videostyle.VideostyleError) as caught:
        videostyle.render(tmp_path / "a.mp4", "great-wave", max_size=8)
    assert (caught.value.what, caught.value.hint) == ("max_size", "give at least 16")


def test_a_part_is_named_as_on_the_command_line(clip: Clip) -> None:
    import videostyle

    def count(**part: Any) -> int:
        return sum(len(batch.frames) for batch in videostyle.paint(clip("silent.mkv"), "great-wave", **part))

    assert count(start="0:00.4", end="20f") == count(start=0.4, end="0:00.8") == 10


def test_styles_are_listed_with_their_cards() -> None:
    import videostyle

    cards = {card.name: card for card in videostyle.list_styles()}
    assert "Hokusai" in cards["great-wave"].artist


def test_a_style_is_trained_and_progress_is_told(
    clip: Clip, tmp_path: Path, little_to_try: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import videostyle

    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path / "home"))
    steps: list[int] = []
    painting = tmp_path / "my harbour.jpg"
    painting.write_bytes((ROOT / "samples" / "harbour.jpg").read_bytes())
    name = videostyle.train(painting, steps=2, on_progress=lambda progress: steps.append(progress.step))
    assert (name, steps) == ("my-harbour", [1, 2])
    assert "my-harbour" in [card.name for card in videostyle.list_styles()]
    with pytest.raises(videostyle.VideostyleError, match="comes with videostyle"):
        videostyle.train(painting, "great-wave", overwrite=True)
    phases: dict[str, int] = {}

    def told(phase: str, done: int, total: int | None) -> None:
        phases[phase] = phases.get(phase, 0) + done

    videostyle.render(clip("one.mp4"), name, tmp_path / "out.mp4", on_progress=told)
    assert phases["paint"] == 1


def test_python_is_as_quiet_as_the_command_line(clip: Clip, tmp_path: Path) -> None:
    code = f"""
import videostyle
videostyle.render({str(clip("one.mp4"))!r}, "great-wave", {str(tmp_path / "a.mp4")!r})
videostyle.render({str(clip("odd.mkv"))!r}, "great-wave", {str(tmp_path / "b.mp4")!r}, end="2f")
"""
    own = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=600, env=own)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_arrays_pass_processors_and_regions_the_same_in_one_call_or_in_several() -> None:
    import videostyle

    frames = np.random.default_rng(0).integers(0, 255, (6, 32, 48, 3), np.uint8)
    chain: dict[str, Any] = {
        "processors": ["degrain:frames=1", {"name": "stabilize", "amount": 0.5}],
        "regions": ["rectangle:box=0 0 0.5 1,feather=0", "rectangle:box=0.25 0 0.5 1,strength=0,feather=0"],
    }
    found = []
    for parts in ([1, 6], [1, 2, 5, 6]):  # the first call is measured
        stylizer = videostyle.Stylizer("great-wave", batch_size=1, **chain)
        found.append(np.concatenate([stylizer(frames[a:b]) for a, b in pairwise([0, *parts])]))
    np.testing.assert_array_equal(*found)
    np.testing.assert_array_equal(found[0][:, :, 26:], frames[:, :, 26:])
    assert np.abs(found[0][:, :, :11].astype(int) - frames[:, :, :11]).mean() > 3


def test_arrays_change_along_a_timeline() -> None:
    import videostyle

    frames = np.repeat(np.random.default_rng(0).integers(0, 255, (1, 32, 48, 3), np.uint8), 4, axis=0)
    changes = ["1s style=starry-night", "2s strength=0 sharpen.amount=1"]
    stylizer = videostyle.Stylizer("great-wave", timeline=changes, fps=1, processors=["sharpen:amount=0"])
    found = np.concatenate([stylizer(frames[:2]), stylizer(frames[2])[None], stylizer(frames[3:])]).astype(int)
    wave, night = (videostyle.Stylizer(name)(frames[0]) for name in ("great-wave", "starry-night"))
    assert np.abs(found[0] - wave).max() <= 2
    assert np.abs(found[1] - night).max() <= 2
    assert np.abs(found[2] - frames[0]).mean() < np.abs(found[1] - frames[0]).mean() / 2
    assert np.abs(found[2] - found[3]).max() <= 2
    with pytest.raises(videostyle.VideostyleError, match="cannot snap"):
        videostyle.Stylizer("great-wave", timeline=["1s strength=0 snap=true"])
    with pytest.raises(videostyle.VideostyleError, match="no processor 'sharpn'"):
        videostyle.Stylizer("great-wave", processors=["sharpn"])
