"""A render whose style is a picture: the style that it learns depends on the picture alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ffmpeg
from videostyle.rendering.render import render
from videostyle.rendering.settings import RenderSettings
from videostyle.styles.card import Style
from videostyle.training import session
from videostyle.training.content import read_content


def test_a_style_learnt_on_the_way_is_trained_on_the_pictures_that_ship_alone(
    random_style: Style, clip: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the same command would paint otherwise, by what was painted first."""
    painting = tmp_path / "painting.png"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x48", "-frames:v", "1", painting)
    trainings: list[tuple[Any, ...]] = []

    def train(painting: Path, pictures: Any, neighbours: Any, request: Any, card: Any, observer: Any) -> Style:
        trainings.append((pictures, neighbours, replace(request, checkpoint=None)))
        return random_style

    monkeypatch.setattr(session, "train", train)
    for number, name in enumerate(("plain.mp4", "odd.mkv")):
        monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path / f"home{number}"))  # where nothing was learnt yet
        render(clip(name), tmp_path / f"{name}.mkv", RenderSettings(str(painting)))
    assert len(trainings) == 2
    shipped, _ = read_content([session.sample_content()])
    for pictures, neighbours, request in trainings:
        assert len(pictures) == len(shipped)
        assert all(np.array_equal(one, other) for one, other in zip(pictures, shipped, strict=True))
        assert not neighbours
        assert request == session.TrainRequest()
