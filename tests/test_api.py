"""The Python interface."""

from __future__ import annotations

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
